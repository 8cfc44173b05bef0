-- Every new meaning of a descriptor that a system call made, in the process that made it.
-- staged: several steps read it while a batch is loaded
CREATE VIEW fd_opens AS
WITH
flags AS (
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
),

pairs AS (
    SELECT run_id, ts, ctx_tid, socket AS two FROM event.syscall_exit_socketpair
    UNION ALL
    SELECT run_id, ts, ctx_tid, fildes FROM event.syscall_exit_pipe
    UNION ALL
    SELECT run_id, ts, ctx_tid, fildes FROM event.syscall_exit_pipe2
),

single AS (
    SELECT
        c.*,
        p.path,
        COALESCE(p.flags, f.flags, 0) AS flags,
        UNNEST(COALESCE(q.two, [c.ret]))::INTEGER AS fd,
        NULL::INTEGER AS from_fd
    FROM fd_calls AS c
    LEFT JOIN fd_paths AS p ON c.run_id = p.run_id AND c.tid = p.ctx_tid AND c.entry_ts = p.ts
    LEFT JOIN flags AS f ON c.run_id = f.run_id AND c.tid = f.ctx_tid AND c.entry_ts = f.ts
    LEFT JOIN pairs AS q ON c.run_id = q.run_id AND c.tid = q.ctx_tid AND c.exit_ts = q.ts
    WHERE
        c.ret >= 0
        AND c.name NOT IN (
            'dup', 'dup2', 'dup3', 'fcntl', 'close', 'close_range', 'connect', 'listen'
        )
        AND NOT COALESCE(REGEXP_FULL_MATCH(p.path, '/(dev|proc/self)/fd/\d{1,9}'), false)
    UNION ALL
    SELECT c.*, NULL, o.flags, COALESCE(o.to_fd, c.ret)::INTEGER, o.from_fd::INTEGER
    FROM fd_calls AS c
    INNER JOIN fd_copies AS o ON c.run_id = o.run_id AND c.tid = o.ctx_tid AND c.entry_ts = o.ts
    WHERE c.ret >= 0
)

SELECT
    -- The run.
    run_id,
    -- The process.
    pid,
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
    CASE
        WHEN from_fd IS NOT NULL THEN NULL
        WHEN name IN ('socket', 'socketpair', 'accept', 'accept4') THEN 'socket'
        WHEN name IN ('pipe', 'pipe2') THEN 'pipe'
        WHEN name IN ('open', 'openat', 'openat2', 'creat') THEN 'path'
        ELSE 'anon_inode'
    END AS kind,
    -- The path that was opened, as the call spelled it.
    path,
    -- The descriptor that this one is a copy of; NULL for none.
    from_fd,
    -- True where exec closes it.
    flags & 524288 <> 0 AS cloexec
FROM single;
