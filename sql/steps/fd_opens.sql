-- Every new meaning of a descriptor that a system call made, in the process that made it.
-- staged: several steps read it while a batch is loaded
CREATE VIEW fd_opens AS
WITH
pairs AS (
    SELECT run_id, ts, ctx_tid, socket AS two FROM event.syscall_exit_socketpair
    UNION ALL
    SELECT run_id, ts, ctx_tid, fildes FROM event.syscall_exit_pipe
    UNION ALL
    SELECT run_id, ts, ctx_tid, fildes FROM event.syscall_exit_pipe2
),

-- These only change what a descriptor that is there already reports.
changes AS (
    SELECT run_id, ts, ctx_tid FROM event.syscall_entry_signalfd WHERE ufd <> -1
    UNION ALL
    SELECT run_id, ts, ctx_tid FROM event.syscall_entry_signalfd4 WHERE ufd <> -1
),

single AS (
    SELECT
        c.*,
        m.kind,
        p.path,
        m.cloexec OR COALESCE(f.cloexec, false) AS cloexec,
        UNNEST(COALESCE(q.two, [c.ret]))::INTEGER AS fd,
        NULL::INTEGER AS from_fd
    FROM fd_calls AS c
    INNER JOIN fd_makers AS m ON c.name = m.name
    LEFT JOIN fd_paths AS p ON c.run_id = p.run_id AND c.tid = p.ctx_tid AND c.entry_ts = p.ts
    LEFT JOIN fd_flags AS f ON c.run_id = f.run_id AND c.tid = f.ctx_tid AND c.entry_ts = f.ts
    LEFT JOIN pairs AS q ON c.run_id = q.run_id AND c.tid = q.ctx_tid AND c.exit_ts = q.ts
    ANTI JOIN changes AS n ON c.run_id = n.run_id AND c.tid = n.ctx_tid AND c.entry_ts = n.ts
    WHERE
        c.ret >= 0
        AND m.kind IS NOT NULL
        AND NOT COALESCE(REGEXP_FULL_MATCH(p.path, '/(dev|proc/self)/fd/\d{1,9}'), false)
        -- Without its list nothing tells which descriptors a pair is.
        AND (q.two IS NOT NULL OR c.name NOT IN ('socketpair', 'pipe', 'pipe2'))
    UNION ALL
    SELECT
        c.*, NULL, NULL, o.flags & 524288 <> 0, COALESCE(o.to_fd, c.ret)::INTEGER,
        o.from_fd::INTEGER
    FROM fd_calls AS c
    INNER JOIN fd_copies AS o ON c.run_id = o.run_id AND c.tid = o.ctx_tid AND c.entry_ts = o.ts
    WHERE c.ret >= 0
)

SELECT
    -- The run.
    run_id,
    -- The process.
    pid,
    -- The process's file table.
    table_id,
    -- The thread.
    tid,
    -- The descriptor.
    fd,
    -- When the call returned, ns since the Unix epoch.
    exit_ts AS ts,
    -- When the call began, ns since the Unix epoch; NULL where it began before the trace.
    entry_ts,
    -- The call's name.
    name,
    -- `socket`, `path`, `pipe`, `anon_inode`, or NULL for a copy.
    kind,
    -- The path that was opened, as the call spelled it.
    path,
    -- The descriptor that this one is a copy of; NULL for none.
    from_fd,
    -- True where exec closes it.
    cloexec
FROM single;
