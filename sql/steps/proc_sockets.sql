-- What the last `/proc/net/tcp` snapshot that shows a socket's inode says of it.
-- staged: several steps read it while a batch is loaded
CREATE VIEW proc_sockets AS
SELECT
    -- The run.
    run_id,
    -- The inode.
    inode,
    -- The local address.
    ARG_MAX(saddr, ts) AS saddr,
    -- The local port.
    ARG_MAX(sport, ts) AS sport,
    -- The remote address.
    ARG_MAX(daddr, ts) AS daddr,
    -- The remote port; 0 for none.
    ARG_MAX(dport, ts) AS dport,
    -- The state.
    ARG_MAX(state, ts) AS state,
    -- `ipv4` or `ipv6`: the socket's family.
    ARG_MAX(family, ts) AS family,
    -- The owner's user number.
    ARG_MAX(uid, ts) AS uid
FROM proc_tcp
WHERE inode <> 0
GROUP BY run_id, inode;
