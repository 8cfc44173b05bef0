-- The connection that each socket carries: by the addresses that `/proc` shows for its inode, else
-- by the SYN that its `connect` sent, else by the peer that `accept` or `connect` named.
-- staged: several steps read it while a batch is loaded
CREATE VIEW socket_connections AS
WITH
held AS (
    SELECT
        run_id, socket_id, ANY_VALUE(inode) AS inode, MIN(start_ts) AS start_ts,
        MAX(end_ts) AS end_ts
    FROM fds
    WHERE socket_id IS NOT NULL
    GROUP BY ALL
),

candidates AS (
    SELECT
        h.run_id, h.socket_id, c.connection_id, c.start_ts, 1 AS way,
        (c.saddr, c.sport) = (s.saddr, s.sport) AS is_client, -c.start_ts AS distance, h.inode,
        h.end_ts
    FROM held AS h
    INNER JOIN proc_sockets AS s ON h.run_id = s.run_id AND h.inode = s.inode
    INNER JOIN connections AS c
        ON
            h.run_id = c.run_id
            AND (
                (
                    c.saddr = s.saddr AND c.sport = s.sport
                    AND c.daddr = s.daddr AND c.dport = s.dport
                )
                OR (
                    c.daddr = s.saddr AND c.dport = s.sport
                    AND c.saddr = s.daddr AND c.sport = s.dport
                )
            )
            AND c.start_ts < h.end_ts
    UNION ALL
    SELECT
        h.run_id, h.socket_id, c.connection_id, c.start_ts, 2, true, -c.start_ts, h.inode, h.end_ts
    FROM held AS h
    INNER JOIN socket_peers AS p ON h.run_id = p.run_id AND h.socket_id = p.socket_id
    INNER JOIN connections AS c
        ON
            h.run_id = c.run_id
            AND c.saddr = p.own_addr
            AND c.sport = p.own_port
            AND c.daddr = p.peer
            AND c.dport = p.peer_port
            AND c.seq = p.seq
    UNION ALL
    -- The handshake that the call accepted.
    SELECT
        h.run_id, h.socket_id, c.connection_id, c.start_ts, 3, false, -c.start_ts, h.inode, h.end_ts
    FROM held AS h
    INNER JOIN socket_peers AS p ON h.run_id = p.run_id AND h.socket_id = p.socket_id
    INNER JOIN accepted_handshakes AS a
        ON
            h.run_id = a.run_id
            AND p.ts = a.accept_ts
            AND p.peer = a.saddr
            AND p.peer_port = a.sport
    INNER JOIN connections AS c
        ON
            h.run_id = c.run_id
            AND a.saddr = c.saddr
            AND a.sport = c.sport
            AND a.ack_ts = c.ack_ts
    WHERE p.accepted
    UNION ALL
    -- The latest connection of that peer that had begun when it was accepted.
    SELECT
        h.run_id, h.socket_id, c.connection_id, c.start_ts, 4, false, -c.start_ts, h.inode, h.end_ts
    FROM held AS h
    INNER JOIN socket_peers AS p ON h.run_id = p.run_id AND h.socket_id = p.socket_id
    INNER JOIN connections AS c
        ON
            h.run_id = c.run_id
            AND c.saddr = p.peer
            AND c.sport = p.peer_port
            AND c.start_ts <= p.ts
    WHERE p.accepted
    UNION ALL
    -- The first connection to that peer that began after the call, where no SYN tells which.
    SELECT
        h.run_id, h.socket_id, c.connection_id, c.start_ts, 5, true, c.start_ts AS distance,
        h.inode, h.end_ts
    FROM held AS h
    INNER JOIN socket_peers AS p ON h.run_id = p.run_id AND h.socket_id = p.socket_id
    INNER JOIN connections AS c
        ON
            h.run_id = c.run_id
            AND c.daddr = p.peer
            AND c.dport = p.peer_port
            AND c.start_ts BETWEEN p.ts AND h.end_ts
    WHERE NOT p.accepted AND p.own_port IS NULL
)

SELECT
    -- The run.
    run_id,
    -- The socket's number within its run.
    socket_id,
    -- The connection.
    ARG_MIN(connection_id, (way, distance)) AS connection_id,
    -- True where the socket is the side that sent the SYN.
    ARG_MIN(is_client, (way, distance)) AS is_client,
    -- The socket's inode; NULL where no process snapshot shows it.
    ANY_VALUE(inode) AS inode,
    -- When the socket's last descriptor was closed, ns since the Unix epoch.
    ANY_VALUE(end_ts) AS end_ts
FROM candidates
GROUP BY run_id, socket_id;
