-- Every wake by a NET_RX softirq with each segment that could have caused it: received in that
-- softirq, before the waking and since the thread's wake before, on a socket that the thread's call
-- watches. Mere acknowledgements are among them only where nothing else is: no payload, SYN, FIN or
-- RST, no handshake's last segment.
-- staged: several steps read it while a batch is loaded
CREATE VIEW rx_causes AS
WITH
pairs AS (
    SELECT
        w.*,
        p.ts AS rx_ts,
        p.skbaddr,
        p.connection_id,
        p.from_client,
        p.flags,
        p.payload_len,
        p.saddr,
        p.sport,
        p.completes
    FROM rx_waits AS w
    INNER JOIN rx_points AS p
        ON
            w.run_id = p.run_id
            AND w.cpu_id = p.cpu_id
            AND w.softirq_ts = p.softirq_ts
            AND p.ts <= w.waking_ts
            AND p.ts > COALESCE(w.waking_before_ts, -1)
    WHERE NOT w.cleared
),

-- The sockets that the segment is for: its connection's own, or the listening one.
on_sockets AS (
    SELECT p.*, s.socket_id, false AS listens
    FROM pairs AS p
    INNER JOIN socket_connections AS s
        ON
            p.run_id = s.run_id
            AND p.connection_id = s.connection_id
            AND p.from_client <> s.is_client
    UNION ALL
    SELECT p.*, s.socket_id, true
    FROM pairs AS p
    INNER JOIN listening_sockets AS s
        ON
            p.run_id = s.run_id
            AND p.saddr = s.saddr
            AND p.sport = s.sport
            AND p.rx_ts = s.ack_ts
    WHERE p.completes
),

watched AS (
    SELECT s.*, f.fd
    FROM on_sockets AS s
    LEFT JOIN run_losses AS l ON s.run_id = l.run_id
    INNER JOIN fds AS f
        ON
            s.run_id = f.run_id
            AND s.pid = f.pid
            AND s.socket_id = f.socket_id
            AND f.start_ts <= s.entry_ts
            AND f.end_ts > s.entry_ts
            -- A loss may have hidden that the number was given anew.
            AND NOT lost_anywhere(l.windows, f.start_ts, s.waking_ts)
    WHERE s.kind <> 'epoll' AND LIST_CONTAINS(s.fds, f.fd)
    UNION ALL
    SELECT s.*, e.fd
    FROM on_sockets AS s
    LEFT JOIN run_losses AS l ON s.run_id = l.run_id
    INNER JOIN epoll_interests AS e
        ON
            s.run_id = e.run_id
            AND s.epoll = e.epoll
            AND s.socket_id = e.socket_id
            AND e.start_ts <= s.waking_ts
            AND e.end_ts > s.waking_ts
            AND NOT lost_anywhere(l.windows, e.start_ts, s.waking_ts)
    WHERE s.kind = 'epoll'
),

kinds AS (
    SELECT
        *,
        CASE
            WHEN flags & 4 <> 0 THEN 'rst'
            WHEN listens OR flags & 2 <> 0 THEN 'handshake'
            WHEN payload_len > 0 THEN 'data'
            WHEN flags & 1 <> 0 THEN 'fin'
            ELSE 'ack'
        END AS cause
    FROM watched
)

SELECT
    -- The run.
    run_id,
    -- The thread.
    tid,
    -- When it was woken, ns since the Unix epoch.
    waking_ts,
    -- When the segment was received, ns since the Unix epoch.
    rx_ts,
    -- The cpu on which it was received and the thread woken.
    cpu_id,
    -- The segment's buffer.
    skbaddr,
    -- The segment's connection.
    connection_id,
    -- True where it came from the client.
    from_client,
    -- `rst`, `handshake`, `data`, `fin` or `ack`.
    cause,
    -- True for a segment with payload, FIN or RST: what `rx_to_wake` counts.
    payload_len > 0 OR flags & 5 <> 0 AS counts,
    -- The socket that the thread waited on.
    socket_id,
    -- The thread's descriptor for it.
    fd,
    -- The thread's process.
    pid,
    -- The call in which the thread slept.
    name,
    -- Its kind: `waits.kind`.
    kind,
    -- When that began, ns since the Unix epoch.
    entry_ts,
    -- When it returned, ns since the Unix epoch; NULL where the trace does not show it.
    exit_ts,
    -- When the thread came to a cpu, ns since the Unix epoch; NULL where the trace does not show
    -- it.
    in_ts
FROM kinds
QUALIFY
    cause <> 'ack'
    OR NOT BOOL_OR(cause <> 'ack') OVER (PARTITION BY run_id, tid, waking_ts);
