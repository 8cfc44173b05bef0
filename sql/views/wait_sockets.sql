-- Which sockets each call of `waits` watches: one row a socket and call, and for `epoll` one a
-- stretch of time in which the epoll watched the socket during the call.
CREATE VIEW wait_sockets AS
SELECT
    -- The run.
    w.run_id,
    -- The thread.
    w.tid,
    -- The call's name.
    w.name,
    -- Its kind: `waits.kind`.
    w.kind,
    -- When the call began, ns since the Unix epoch; 0 where it began before the trace.
    w.entry_ts,
    -- When it returned, ns since the Unix epoch; NULL where the trace does not show it.
    w.exit_ts,
    -- The socket.
    f.socket_id,
    -- The descriptor for it.
    f.fd
FROM (SELECT * EXCLUDE (fds), UNNEST(fds) AS fd FROM waits WHERE kind <> 'epoll') AS w
INNER JOIN fds AS f
    ON
        w.run_id = f.run_id
        AND w.pid = f.pid
        AND w.fd = f.fd
        AND f.start_ts <= w.entry_ts
        AND f.end_ts > w.entry_ts
WHERE f.socket_id IS NOT NULL
UNION ALL
SELECT w.run_id, w.tid, w.name, w.kind, w.entry_ts, w.exit_ts, e.socket_id, e.fd
FROM waits AS w
INNER JOIN epoll_interests AS e
    ON
        w.run_id = e.run_id
        AND w.epoll = e.epoll
        AND e.start_ts < COALESCE(w.exit_ts, 9223372036854775807)
        AND e.end_ts > w.entry_ts;
