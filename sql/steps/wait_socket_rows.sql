-- The rows of `wait_sockets`.
-- fills: wait_sockets
CREATE VIEW wait_socket_rows AS
SELECT
    -- The run.
    w.run_id,
    -- When the call began; 0 where it began before the trace.
    w.entry_ts,
    -- The thread.
    w.tid,
    -- The descriptor.
    f.fd,
    -- The socket.
    f.socket_id
FROM (
    SELECT run_id, entry_ts, tid, pid, UNNEST(fds) AS fd FROM waits WHERE kind <> 'epoll'
) AS w
INNER JOIN fds AS f
    ON
        w.run_id = f.run_id
        AND w.pid = f.pid
        AND w.fd = f.fd
        AND f.start_ts <= w.entry_ts
        AND f.end_ts > w.entry_ts
WHERE f.socket_id IS NOT NULL
UNION ALL
SELECT w.run_id, w.entry_ts, w.tid, e.fd, e.socket_id
FROM waits AS w
INNER JOIN epoll_interests AS e
    ON
        w.run_id = e.run_id
        AND w.epoll = e.epoll
        AND e.start_ts < COALESCE(w.exit_ts, 9223372036854775807)
        AND e.end_ts > w.entry_ts
ORDER BY run_id, entry_ts, tid;
