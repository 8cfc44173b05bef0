-- The rows of `/proc/net/tcp` and `/proc/net/tcp6` in a run's snapshots, addresses decoded.
CREATE TABLE proc_tcp (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The snapshot's stage, such as `listening`, `established` or `closed`.
    stage VARCHAR NOT NULL,
    -- When the snapshot was taken, ns since the Unix epoch; NULL where it does not say.
    ts BIGINT,
    -- `ipv4` or `ipv6`: which of the two files the row stood in.
    family VARCHAR NOT NULL,
    -- The local address.
    saddr VARCHAR NOT NULL,
    -- The local port.
    sport USMALLINT NOT NULL,
    -- The remote address.
    daddr VARCHAR NOT NULL,
    -- The remote port.
    dport USMALLINT NOT NULL,
    -- The state's name (include/net/tcp_states.h).
    state VARCHAR NOT NULL,
    -- The owner's user id.
    uid UINTEGER,
    -- The socket's inode; 0 where no process holds it any more.
    inode UBIGINT NOT NULL
);

-- The descriptors that a run's `/proc/PID/fd` snapshots list.
CREATE TABLE proc_fds (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The snapshot's stage.
    stage VARCHAR NOT NULL,
    -- When the snapshot was taken, ns since the Unix epoch; NULL where it does not say.
    ts BIGINT,
    -- The process.
    pid INTEGER NOT NULL,
    -- The descriptor.
    fd INTEGER NOT NULL,
    -- What it points to, as `/proc` spells it.
    target VARCHAR NOT NULL,
    -- `socket`, `path`, `pipe`, `anon_inode` or `other`.
    kind VARCHAR NOT NULL,
    -- The inode that a socket's or pipe's name carries; NULL for all others.
    inode UBIGINT
);

-- The command lines of the processes that a run's snapshots show.
CREATE TABLE proc_processes (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The snapshot's stage.
    stage VARCHAR NOT NULL,
    -- When the snapshot was taken, ns since the Unix epoch; NULL where it does not say.
    ts BIGINT,
    -- The process.
    pid INTEGER NOT NULL,
    -- The command line, its arguments separated by blanks.
    cmdline VARCHAR NOT NULL
);
