-- Every call that ends the meaning of a descriptor in its file table: `close`, and `close_range`
-- over its range.
-- staged: several steps read it while a batch is loaded
CREATE VIEW fd_ends AS
SELECT
    -- The run.
    c.run_id,
    -- The process's file table.
    c.table_id,
    -- The first descriptor that is closed.
    e.fd::BIGINT AS fd,
    -- The last one.
    e.fd::BIGINT AS last_fd,
    -- When the call began, ns since the Unix epoch: from then on the number can be given anew.
    e.ts,
    -- When the call returned, ns since the Unix epoch.
    c.exit_ts
FROM fd_calls AS c
INNER JOIN event.syscall_entry_close AS e
    ON c.run_id = e.run_id AND c.tid = e.ctx_tid AND c.entry_ts = e.ts
WHERE c.name = 'close' AND c.ret <> -9
UNION ALL
SELECT c.run_id, c.table_id, e.fd::BIGINT, e.max_fd::BIGINT, e.ts, c.exit_ts
FROM fd_calls AS c
INNER JOIN event.syscall_entry_close_range AS e
    ON c.run_id = e.run_id AND c.tid = e.ctx_tid AND c.entry_ts = e.ts
WHERE c.name = 'close_range' AND c.ret = 0 AND COALESCE(e.flags & 4, 0) = 0;
