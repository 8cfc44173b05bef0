-- Every call that accepts, connects or receives on a socket, and may sleep until something comes,
-- and every call of `epoll_ctl` for a socket, with the socket.
-- staged: several steps read it while a batch is loaded
CREATE VIEW socket_calls AS
WITH
entries AS (
    SELECT run_id, ctx_tid, ts, fd::BIGINT AS fd, 'receive' AS kind FROM event.syscall_entry_read
    UNION ALL
    SELECT run_id, ctx_tid, ts, fd, 'receive' FROM event.syscall_entry_readv
    UNION ALL
    SELECT run_id, ctx_tid, ts, fd, 'receive' FROM event.syscall_entry_recvfrom
    UNION ALL
    SELECT run_id, ctx_tid, ts, fd, 'receive' FROM event.syscall_entry_recvmsg
    UNION ALL
    SELECT run_id, ctx_tid, ts, fd, 'receive' FROM event.syscall_entry_recvmmsg
    UNION ALL
    SELECT run_id, ctx_tid, ts, fd, 'accept' FROM event.syscall_entry_accept
    UNION ALL
    SELECT run_id, ctx_tid, ts, fd, 'accept' FROM event.syscall_entry_accept4
    UNION ALL
    SELECT run_id, ctx_tid, ts, fd, 'connect' FROM event.syscall_entry_connect
    UNION ALL
    SELECT run_id, ctx_tid, ts, fd, 'watch' FROM event.syscall_entry_epoll_ctl
),

meanings AS (
    SELECT run_id, pid, fd, start_ts, end_ts, socket_id FROM fds
    WHERE socket_id IS NOT NULL
),

calls AS (
    SELECT e.run_id, COALESCE(t.pid, e.ctx_tid) AS pid, e.ctx_tid AS tid, e.ts, e.fd, e.kind
    FROM entries AS e
    LEFT JOIN threads AS t
        ON
            e.run_id = t.run_id
            AND e.ctx_tid = t.tid
            AND t.start_ts <= e.ts
            AND t.end_ts > e.ts
),

-- Each call beside the last meaning of its descriptor that had begun.
placed AS (
    SELECT
        *,
        MAX(CASE WHEN tid IS NULL THEN ts END) OVER (
            PARTITION BY run_id, pid, fd ORDER BY ts, tid IS NOT NULL
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS start_ts
    FROM (
        SELECT c.* FROM calls AS c SEMI JOIN meanings AS m USING (run_id, pid, fd)
        UNION ALL BY NAME
        SELECT run_id, pid, fd, start_ts AS ts FROM meanings
    ) AS marks
)

SELECT
    -- The run.
    p.run_id,
    -- The thread.
    p.tid,
    -- The thread's process.
    p.pid,
    -- The call's name.
    s.name,
    -- `accept`, `connect`, `receive`, or `watch` for `epoll_ctl`.
    p.kind,
    -- When the call began, ns since the Unix epoch.
    s.entry_ts,
    -- When it returned, ns since the Unix epoch; NULL where the trace does not show it.
    s.exit_ts,
    -- What it returned.
    s.ret,
    -- True where a loss began or ended on the call's cpu before its exit.
    s.cleared,
    -- The descriptor.
    p.fd::INTEGER AS fd,
    -- The socket.
    m.socket_id
FROM placed AS p
INNER JOIN meanings AS m
    ON p.run_id = m.run_id AND p.pid = m.pid AND p.fd = m.fd AND p.start_ts = m.start_ts
INNER JOIN syscalls AS s ON p.run_id = s.run_id AND p.tid = s.tid AND p.ts = s.entry_ts
LEFT JOIN run_losses AS l ON p.run_id = l.run_id
-- A loss may have hidden that the number was given anew.
WHERE p.ts < m.end_ts AND NOT lost_anywhere(l.windows, m.start_ts, p.ts);
