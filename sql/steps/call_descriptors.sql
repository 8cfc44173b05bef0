-- The descriptor of each call that may make the stack send: what writes, and what reads (it opens
-- the window), connects, closes, shuts down or sets an option.
CREATE VIEW call_descriptors AS
SELECT
    -- The run.
    run_id,
    -- The thread.
    ctx_tid AS tid,
    -- When the call began, ns since the Unix epoch.
    ts,
    -- The descriptor.
    TRY_CAST(fd AS INTEGER) AS fd
FROM event.syscall_entry_sendto
UNION ALL
SELECT run_id, ctx_tid, ts, fd FROM event.syscall_entry_sendmsg
UNION ALL
SELECT run_id, ctx_tid, ts, fd FROM event.syscall_entry_sendmmsg
UNION ALL
SELECT run_id, ctx_tid, ts, TRY_CAST(fd AS INTEGER) FROM event.syscall_entry_write
UNION ALL
SELECT run_id, ctx_tid, ts, TRY_CAST(fd AS INTEGER) FROM event.syscall_entry_writev
UNION ALL
SELECT run_id, ctx_tid, ts, out_fd FROM event.syscall_entry_sendfile64
UNION ALL
SELECT run_id, ctx_tid, ts, TRY_CAST(fd AS INTEGER) FROM event.syscall_entry_read
UNION ALL
SELECT run_id, ctx_tid, ts, TRY_CAST(fd AS INTEGER) FROM event.syscall_entry_readv
UNION ALL
SELECT run_id, ctx_tid, ts, fd FROM event.syscall_entry_recvfrom
UNION ALL
SELECT run_id, ctx_tid, ts, fd FROM event.syscall_entry_recvmsg
UNION ALL
SELECT run_id, ctx_tid, ts, fd FROM event.syscall_entry_recvmmsg
UNION ALL
SELECT run_id, ctx_tid, ts, fd FROM event.syscall_entry_connect
UNION ALL
SELECT run_id, ctx_tid, ts, fd FROM event.syscall_entry_shutdown
UNION ALL
SELECT run_id, ctx_tid, ts, fd FROM event.syscall_entry_setsockopt
UNION ALL
SELECT run_id, ctx_tid, ts, TRY_CAST(fd AS INTEGER) FROM event.syscall_entry_close;
