-- The rows of `sockets`: what the calls, `/proc/net/tcp` and the connections tell of each socket.
-- fills: sockets
CREATE VIEW socket_rows AS
WITH
asked AS (
    SELECT run_id, ctx_tid, ts, family, type, protocol FROM event.syscall_entry_socket
    UNION ALL
    SELECT run_id, ctx_tid, ts, family, type, protocol FROM event.syscall_entry_socketpair
),

held AS (
    SELECT
        h.run_id,
        h.socket_id,
        ANY_VALUE(h.inode) AS inode,
        MIN(h.start_ts) AS start_ts,
        MAX(h.end_ts) AS end_ts,
        ARG_MIN(h.pid, (h.start_ts, h.pid, h.fd)) AS pid,
        ARG_MIN(h.fd, (h.start_ts, h.pid, h.fd)) AS fd,
        ARG_MIN(h.source, (h.start_ts, h.pid, h.fd)) AS source,
        ANY_VALUE(a.family) AS family,
        ANY_VALUE(a.type & 15) AS type,
        ANY_VALUE(a.protocol) AS protocol
    FROM fds AS h
    LEFT JOIN fd_opens AS o
        ON
            h.run_id = o.run_id
            AND h.pid = o.pid
            AND h.fd = o.fd
            AND h.start_ts = o.ts
            AND o.kind = 'socket'
    LEFT JOIN asked AS a ON o.run_id = a.run_id AND o.tid = a.ctx_tid AND o.entry_ts = a.ts
    WHERE h.socket_id IS NOT NULL
    GROUP BY h.run_id, h.socket_id
)

SELECT
    -- The run.
    h.run_id,
    -- The socket's number within its run.
    h.socket_id,
    -- The inode; NULL where not known.
    COALESCE(h.inode, i.inode) AS inode,
    -- The address family.
    COALESCE(
        CASE h.family
            WHEN 1 THEN 'unix' WHEN 2 THEN 'ipv4' WHEN 10 THEN 'ipv6' WHEN 16 THEN 'netlink'
            WHEN 17 THEN 'packet' ELSE h.family::VARCHAR
        END,
        s.family,
        i.family,
        CASE WHEN c.saddr LIKE '%:%' THEN 'ipv6' WHEN c.saddr IS NOT NULL THEN 'ipv4' END
    ) AS family,
    -- The type.
    COALESCE(
        CASE h.type
            WHEN 1 THEN 'stream' WHEN 2 THEN 'dgram' WHEN 3 THEN 'raw' WHEN 5 THEN 'seqpacket'
            ELSE h.type::VARCHAR
        END,
        CASE WHEN s.inode IS NOT NULL OR c.connection_id IS NOT NULL THEN 'stream' END
    ) AS type,
    -- The protocol.
    CASE
        WHEN s.inode IS NOT NULL OR c.connection_id IS NOT NULL THEN 'tcp'
        WHEN h.family IN (2, 10) AND h.type = 1 AND h.protocol IN (0, 6) THEN 'tcp'
        WHEN h.family IN (2, 10) AND h.type = 2 AND h.protocol IN (0, 17) THEN 'udp'
        WHEN h.protocol <> 0 THEN h.protocol::VARCHAR
    END AS protocol,
    -- The local address.
    COALESCE(s.saddr, p.own_addr, CASE WHEN t.is_client THEN c.saddr ELSE c.daddr END) AS saddr,
    -- The local port.
    COALESCE(s.sport, p.own_port, CASE WHEN t.is_client THEN c.sport ELSE c.dport END) AS sport,
    -- The remote address.
    COALESCE(
        CASE WHEN s.dport <> 0 THEN s.daddr END,
        p.peer,
        CASE WHEN t.is_client THEN c.daddr ELSE c.saddr END
    ) AS daddr,
    -- The remote port.
    COALESCE(
        NULLIF(s.dport, 0), p.peer_port, CASE WHEN t.is_client THEN c.dport ELSE c.sport END
    ) AS dport,
    -- The last state that `/proc` or a call shows.
    COALESCE(
        s.state,
        i.state,
        CASE WHEN p.listens THEN 'LISTEN' WHEN c.ack_ts IS NOT NULL THEN 'ESTABLISHED' END
    ) AS state,
    -- The connection; NULL for none.
    t.connection_id,
    -- The process that made or first held the socket.
    h.pid,
    -- That process's descriptor for it.
    h.fd,
    -- That process's name then.
    m.comm,
    -- The user's number that `/proc/net/tcp` shows.
    COALESCE(s.uid, i.uid) AS uid,
    -- How many connections its last `listen` lets wait.
    p.backlog,
    -- From when on the socket is known, ns since the Unix epoch.
    h.start_ts,
    -- When its last known descriptor was closed, ns since the Unix epoch.
    h.end_ts,
    -- `statedump`, `syscall` or `proc`.
    h.source
FROM held AS h
LEFT JOIN socket_peers AS p ON h.run_id = p.run_id AND h.socket_id = p.socket_id
LEFT JOIN proc_sockets AS s ON h.run_id = s.run_id AND h.inode = s.inode
LEFT JOIN socket_connections AS t ON h.run_id = t.run_id AND h.socket_id = t.socket_id
LEFT JOIN socket_inodes AS i ON h.run_id = i.run_id AND h.socket_id = i.socket_id
LEFT JOIN connections AS c ON t.run_id = c.run_id AND t.connection_id = c.connection_id
LEFT JOIN threads AS m
    ON h.run_id = m.run_id AND h.pid = m.tid AND m.start_ts <= h.start_ts AND m.end_ts > h.start_ts
ORDER BY h.run_id, h.socket_id;
