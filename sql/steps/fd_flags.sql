-- Which calls asked that exec close the descriptor that they return, or did not.
CREATE VIEW fd_flags AS
SELECT
    -- The run.
    run_id,
    -- When the call began, ns since the Unix epoch.
    ts,
    -- The thread.
    ctx_tid,
    -- True where exec closes it.
    flags & 524288 <> 0 AS cloexec
FROM (
    SELECT run_id, ts, ctx_tid, type AS flags FROM event.syscall_entry_socket
    UNION ALL
    SELECT run_id, ts, ctx_tid, type FROM event.syscall_entry_socketpair
    UNION ALL
    SELECT run_id, ts, ctx_tid, flags FROM event.syscall_entry_accept4
    UNION ALL
    SELECT run_id, ts, ctx_tid, flags FROM event.syscall_entry_pipe2
    UNION ALL
    SELECT run_id, ts, ctx_tid, flags FROM event.syscall_entry_epoll_create1
    UNION ALL
    SELECT run_id, ts, ctx_tid, flags FROM event.syscall_entry_eventfd2
    UNION ALL
    SELECT run_id, ts, ctx_tid, flags FROM event.syscall_entry_timerfd_create
    UNION ALL
    SELECT run_id, ts, ctx_tid, flags FROM event.syscall_entry_signalfd4
    UNION ALL
    SELECT run_id, ts, ctx_tid, flags FROM event.syscall_entry_inotify_init1
    UNION ALL
    SELECT run_id, ts, ctx_tid, flags FROM event.syscall_entry_userfaultfd
    UNION ALL
    SELECT run_id, ts, ctx_tid, (flags & 1)::INTEGER * 524288
    FROM event.syscall_entry_memfd_create
    UNION ALL
    SELECT run_id, ts, ctx_tid, flags FROM fd_paths
) AS calls;
