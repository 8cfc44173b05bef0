-- The sockets that a run's processes held, what tied each to its addresses and when; a socket
-- shared by fork or dup is one row.
CREATE TABLE sockets (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The socket's number within its run, in the order of first sight.
    socket_id BIGINT NOT NULL,
    -- The socket's inode, as `/proc/PID/fd` and `/proc/net/tcp` show it; NULL where not known.
    inode UBIGINT,
    -- The address family: `ipv4`, `ipv6`, `unix`, `netlink`, `packet`, else its number; NULL where
    -- not known.
    family VARCHAR,
    -- The type: `stream`, `dgram`, `raw`, `seqpacket`, else its number; NULL where not known.
    type VARCHAR,
    -- The protocol: `tcp`, `udp`, else its number; NULL where not known.
    protocol VARCHAR,
    -- The local address; NULL where not known.
    saddr VARCHAR,
    -- The local port; NULL where not known.
    sport USMALLINT,
    -- The remote address; NULL for a socket without a peer, or where not known.
    daddr VARCHAR,
    -- The remote port; NULL for a socket without a peer, or where not known.
    dport USMALLINT,
    -- The last state that `/proc` or a call shows, as the kernel names it (`LISTEN`, `ESTABLISHED`,
    -- ...); NULL where not known. `socket_states` tells of each state and its time.
    state VARCHAR,
    -- The connection that the socket carries: `connections.connection_id`; NULL for none.
    connection_id BIGINT,
    -- The process that made or first held the socket.
    pid INTEGER NOT NULL,
    -- That process's descriptor for it.
    fd INTEGER NOT NULL,
    -- That process's name then; NULL where not known.
    comm VARCHAR,
    -- The user's number that `/proc/net/tcp` shows; NULL where it does not show the socket.
    uid UINTEGER,
    -- How many connections its last `listen` lets wait; NULL where it does not listen, or no trace
    -- shows since when.
    backlog INTEGER,
    -- From when on the socket is known, ns since the Unix epoch.
    start_ts BIGINT NOT NULL,
    -- When its last known descriptor was closed, ns since the Unix epoch; just past the last event
    -- where it was open at the end.
    end_ts BIGINT NOT NULL,
    -- How it is known: `statedump`, `syscall` or `proc`.
    source VARCHAR NOT NULL
);
