-- The inode that `/proc/net/tcp` shows for a socket of which no process snapshot does: the one of
-- its connection's addresses and ports, on its side, while it was open.
CREATE VIEW socket_inodes AS
SELECT
    -- The run.
    t.run_id,
    -- The socket's number within its run.
    t.socket_id,
    -- The inode.
    ARG_MAX(p.inode, p.ts) AS inode,
    -- The state in the last snapshot that shows it.
    ARG_MAX(p.state, p.ts) AS state,
    -- `ipv4` or `ipv6`: the socket's family.
    ARG_MAX(p.family, p.ts) AS family,
    -- The owner's user number.
    ARG_MAX(p.uid, p.ts) AS uid
FROM socket_connections AS t
INNER JOIN connections AS c ON t.run_id = c.run_id AND t.connection_id = c.connection_id
INNER JOIN proc_tcp AS p
    ON
        t.run_id = p.run_id
        AND p.inode <> 0
        AND p.ts BETWEEN c.start_ts AND t.end_ts
        AND p.saddr = CASE WHEN t.is_client THEN c.saddr ELSE c.daddr END
        AND p.sport = CASE WHEN t.is_client THEN c.sport ELSE c.dport END
        AND p.daddr = CASE WHEN t.is_client THEN c.daddr ELSE c.saddr END
        AND p.dport = CASE WHEN t.is_client THEN c.dport ELSE c.sport END
WHERE t.inode IS NULL
GROUP BY t.run_id, t.socket_id;
