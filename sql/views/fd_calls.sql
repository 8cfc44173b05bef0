-- Every system call that returned and may have made or closed a descriptor, with the process of its
-- thread.
-- staged: several steps read it while a batch is loaded
CREATE VIEW fd_calls AS
SELECT
    -- The run.
    s.run_id,
    -- The process.
    COALESCE(t.pid, s.tid) AS pid,
    -- The thread.
    s.tid,
    -- The call's name.
    s.name,
    -- When it began, ns since the Unix epoch.
    s.entry_ts,
    -- When it returned, ns since the Unix epoch.
    s.exit_ts,
    -- What it returned.
    s.ret
FROM syscalls AS s
LEFT JOIN threads AS t
    ON
        s.run_id = t.run_id
        AND s.tid = t.tid
        AND t.start_ts <= s.exit_ts
        AND t.end_ts > s.exit_ts
WHERE
    s.exit_ts IS NOT NULL
    AND NOT s.cleared
    AND s.name IN (
        'open', 'openat', 'openat2', 'creat', 'socket', 'socketpair', 'accept', 'accept4', 'pipe',
        'pipe2', 'dup', 'dup2', 'dup3', 'fcntl', 'close', 'close_range', 'connect', 'listen',
        'epoll_create', 'epoll_create1', 'eventfd', 'eventfd2', 'timerfd_create', 'signalfd',
        'signalfd4', 'inotify_init', 'inotify_init1', 'memfd_create', 'pidfd_open',
        'perf_event_open', 'fanotify_init', 'userfaultfd', 'io_uring_setup'
    );
