-- The rows of `waits`, derived from the calls and from what their entries say of descriptors.
-- fills: waits
CREATE VIEW wait_rows AS
WITH
names (name, kind) AS (
    VALUES
    ('select', 'select'), ('pselect6', 'select'), ('pselect6_time64', 'select'),
    ('_newselect', 'select'), ('oldselect', 'select'),
    ('poll', 'poll'), ('ppoll', 'poll'), ('ppoll_time64', 'poll'),
    ('epoll_wait', 'epoll'), ('epoll_pwait', 'epoll'), ('epoll_pwait2', 'epoll'),
    ('accept', 'accept'), ('accept4', 'accept')
),

sets AS (
    SELECT
        run_id,
        ctx_tid,
        ts,
        LIST_SORT(
            LIST_DISTINCT(
                LIST_FILTER(
                    fd_bits(readfds) || fd_bits(writefds) || fd_bits(exceptfds),
                    LAMBDA fd: fd < n
                )
            )
        ) AS fds,
        true AS whole
    FROM (
        SELECT run_id, ctx_tid, ts, n, readfds, writefds, exceptfds
        FROM event.syscall_entry_select
        UNION ALL
        SELECT run_id, ctx_tid, ts, n, readfds, writefds, exceptfds
        FROM event.syscall_entry_pselect6
    ) AS bitmaps
    WHERE readfds IS NOT NULL OR writefds IS NOT NULL OR exceptfds IS NOT NULL OR n = 0
    UNION ALL
    SELECT
        run_id,
        ctx_tid,
        ts,
        LIST_FILTER(LIST_TRANSFORM(fds, LAMBDA item: item.fd), LAMBDA fd: fd >= 0),
        LEN(fds) >= nfds
    FROM (
        SELECT run_id, ctx_tid, ts, nfds, fds FROM event.syscall_entry_poll
        UNION ALL
        SELECT run_id, ctx_tid, ts, nfds, fds FROM event.syscall_entry_ppoll
    ) AS lists
    UNION ALL
    SELECT run_id, ctx_tid, ts, [fd], true
    FROM (
        SELECT run_id, ctx_tid, ts, epfd AS fd FROM event.syscall_entry_epoll_wait
        UNION ALL
        SELECT run_id, ctx_tid, ts, epfd FROM event.syscall_entry_epoll_pwait
        UNION ALL
        SELECT run_id, ctx_tid, ts, epfd FROM event.syscall_entry_epoll_pwait2
        UNION ALL
        SELECT run_id, ctx_tid, ts, fd FROM event.syscall_entry_accept
        UNION ALL
        SELECT run_id, ctx_tid, ts, fd FROM event.syscall_entry_accept4
    ) AS single
),

calls AS (
    SELECT
        s.run_id, s.tid, COALESCE(t.pid, s.tid) AS pid, s.name, n.kind,
        COALESCE(s.entry_ts, 0) AS entry_ts, s.exit_ts, s.ret, s.cleared, e.fds,
        COALESCE(e.whole, true) AS whole
    FROM syscalls AS s
    INNER JOIN names AS n ON REPLACE(s.name, 'compat_', '') = n.name
    LEFT JOIN sets AS e ON s.run_id = e.run_id AND s.tid = e.ctx_tid AND s.entry_ts = e.ts
    LEFT JOIN threads AS t
        ON
            s.run_id = t.run_id
            AND s.tid = t.tid
            AND t.start_ts <= COALESCE(s.entry_ts, s.exit_ts)
            AND t.end_ts > COALESCE(s.entry_ts, s.exit_ts)
    UNION ALL BY NAME
    SELECT
        run_id, tid, pid, name, kind, entry_ts, exit_ts, ret, cleared, [fd] AS fds, true AS whole
    FROM socket_calls
    WHERE kind IN ('connect', 'receive')
)

SELECT
    -- The run.
    c.run_id,
    -- The thread.
    c.tid,
    -- The thread's process.
    c.pid,
    -- The call's name.
    c.name,
    -- `select`, `poll`, `epoll`, `accept`, `connect` or `receive`.
    c.kind,
    -- When the call began, ns since the Unix epoch; 0 where it began before the trace.
    c.entry_ts,
    -- When it returned, ns since the Unix epoch; NULL where the trace does not show it.
    c.exit_ts,
    -- What it returned.
    c.ret,
    -- True where a loss began or ended on the call's cpu before its exit.
    c.cleared,
    -- The descriptors that it watches; NULL where the trace does not say.
    c.fds,
    -- The epoll by its origin.
    CASE
        WHEN c.kind = 'epoll' AND c.fds IS NOT NULL
            THEN epoll_origin(f.root_pid, f.root_fd, f.root_ts, c.pid, c.fds[1])
    END AS epoll,
    -- False where the call may watch more.
    c.whole AND (c.kind <> 'epoll' OR COALESCE(f.root_call LIKE 'epoll_create%', false)) AS whole
FROM calls AS c
LEFT JOIN fd_meanings AS f
    ON
        c.kind = 'epoll'
        AND c.run_id = f.run_id
        AND c.pid = f.pid
        AND c.fds[1] = f.fd
        AND f.kind = 'anon_inode'
        AND f.start_ts <= c.entry_ts
        AND COALESCE(f.end_ts > c.entry_ts, true)
ORDER BY c.run_id, c.entry_ts, c.tid;
