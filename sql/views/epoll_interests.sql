-- What each epoll descriptor watches, and when: from the call of `epoll_ctl` that adds a descriptor
-- to the one that deletes it.
-- staged: several steps read it while a batch is loaded
CREATE VIEW epoll_interests AS
WITH
calls AS (
    SELECT
        e.run_id, COALESCE(t.pid, e.ctx_tid) AS pid, e.ts, s.exit_ts, e.epfd, e.op_enum, e.fd
    FROM event.syscall_entry_epoll_ctl AS e
    INNER JOIN syscalls AS s
        ON e.run_id = s.run_id AND e.ctx_tid = s.tid AND e.ts = s.entry_ts
    LEFT JOIN threads AS t
        ON
            e.run_id = t.run_id
            AND e.ctx_tid = t.tid
            AND t.start_ts <= e.ts
            AND t.end_ts > e.ts
    WHERE s.name = 'epoll_ctl' AND COALESCE(s.ret, 0) = 0 AND NOT s.cleared
),

sockets_named AS (
    SELECT c.*, p.start_ts AS epoll_ts, f.socket_id, f.end_ts AS closed_ts
    FROM calls AS c
    INNER JOIN fds AS f
        ON
            c.run_id = f.run_id
            AND c.pid = f.pid
            AND c.fd = f.fd
            AND f.start_ts <= c.ts
            AND f.end_ts > c.ts
    LEFT JOIN fds AS p
        ON
            c.run_id = p.run_id
            AND c.pid = p.pid
            AND c.epfd = p.fd
            AND p.start_ts <= c.ts
            AND p.end_ts > c.ts
    WHERE f.socket_id IS NOT NULL
)

SELECT
    -- The run.
    run_id,
    -- The process that made the call.
    pid,
    -- The epoll descriptor.
    epfd,
    -- The descriptor that it watches.
    fd,
    -- That one's socket.
    socket_id,
    -- From when on it watches it, ns since the Unix epoch.
    ts AS start_ts,
    -- Until when, ns since the Unix epoch: the end of the call that deleted it, else the time when
    -- the process closed the descriptor.
    COALESCE(
        LEAD(CASE WHEN op_enum = 2 THEN exit_ts ELSE ts END) OVER in_order, closed_ts
    ) AS end_ts
FROM sockets_named
WINDOW in_order AS (PARTITION BY run_id, pid, epfd, epoll_ts, fd, socket_id ORDER BY ts)
QUALIFY op_enum <> 2;
