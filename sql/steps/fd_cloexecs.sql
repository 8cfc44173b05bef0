-- Every call that marked a descriptor to be closed at exec, or not to be: `fcntl(F_SETFD)`, and
-- `close_range` with its flag for that.
-- staged: several steps read it while a batch is loaded
CREATE VIEW fd_cloexecs AS
SELECT
    -- The run.
    c.run_id,
    -- The process's file table.
    c.table_id,
    -- The first descriptor.
    f.fd::BIGINT AS fd,
    -- The last one.
    f.fd::BIGINT AS last_fd,
    -- When the call began, ns since the Unix epoch.
    f.ts,
    -- True where exec then closes it.
    f.arg & 1 = 1 AS cloexec
FROM fd_calls AS c
INNER JOIN event.syscall_entry_fcntl AS f
    ON c.run_id = f.run_id AND c.tid = f.ctx_tid AND c.entry_ts = f.ts
WHERE f.cmd = 2 AND c.ret = 0
UNION ALL
SELECT c.run_id, c.table_id, e.fd::BIGINT, e.max_fd::BIGINT AS last_fd, e.ts, true
FROM fd_calls AS c
INNER JOIN event.syscall_entry_close_range AS e
    ON c.run_id = e.run_id AND c.tid = e.ctx_tid AND c.entry_ts = e.ts
WHERE c.name = 'close_range' AND c.ret = 0 AND e.flags & 4 = 4;
