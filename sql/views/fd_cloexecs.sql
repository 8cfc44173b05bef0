-- Every call that marked a descriptor to be closed at exec: `fcntl(F_SETFD, FD_CLOEXEC)`, or
-- `close_range` with its flag for that.
CREATE VIEW fd_cloexecs AS
SELECT
    -- The run.
    c.run_id,
    -- The process.
    c.pid,
    -- The descriptor.
    f.fd::INTEGER AS fd,
    -- When the call began, ns since the Unix epoch.
    f.ts
FROM fd_calls AS c
INNER JOIN event.syscall_entry_fcntl AS f
    ON c.run_id = f.run_id AND c.tid = f.ctx_tid AND c.entry_ts = f.ts
WHERE f.cmd = 2 AND f.arg & 1 = 1 AND c.ret = 0;
