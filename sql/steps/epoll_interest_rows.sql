-- The rows of `epoll_interests`, derived from the calls of `epoll_ctl`.
-- fills: epoll_interests
CREATE VIEW epoll_interest_rows AS
WITH
calls AS (
    SELECT
        c.run_id, c.entry_ts, c.exit_ts, c.fd, c.socket_id, e.epfd, e.op_enum, s.end_ts,
        epoll_origin(f.root_pid, f.root_fd, f.root_ts, c.pid, e.epfd) AS epoll
    FROM socket_calls AS c
    INNER JOIN event.syscall_entry_epoll_ctl AS e
        ON c.run_id = e.run_id AND c.tid = e.ctx_tid AND c.entry_ts = e.ts
    INNER JOIN sockets AS s ON c.run_id = s.run_id AND c.socket_id = s.socket_id
    LEFT JOIN fd_meanings AS f
        ON
            c.run_id = f.run_id
            AND c.pid = f.pid
            AND e.epfd = f.fd
            AND f.kind = 'anon_inode'
            AND f.start_ts <= c.entry_ts
            AND COALESCE(f.end_ts > c.entry_ts, true)
    WHERE c.kind = 'watch' AND c.ret = 0 AND NOT c.cleared
)

SELECT
    -- The run.
    run_id,
    -- The epoll, by its origin.
    epoll,
    -- The epoll descriptor that the call named.
    epfd,
    -- The descriptor that it is to watch.
    fd,
    -- That one's socket.
    socket_id,
    -- From when on it watches it, ns since the Unix epoch.
    entry_ts AS start_ts,
    -- Until when, ns since the Unix epoch: the end of the call that deleted it, else the time when
    -- the last descriptor of the socket was closed.
    COALESCE(
        LEAD(CASE WHEN op_enum = 2 THEN exit_ts ELSE entry_ts END) OVER in_order, end_ts
    ) AS end_ts
FROM calls
WINDOW in_order AS (PARTITION BY run_id, epoll, fd, socket_id ORDER BY entry_ts)
QUALIFY op_enum <> 2;
