-- One row a wake of a thread that a received segment woke: the thread slept in a call that watches
-- the segment's socket, and was woken in the softirq that took the segment.
CREATE TABLE rx_wakes (
    -- The run.
    run_id INTEGER NOT NULL,
    -- When the first segment that could have caused it was received, ns since the Unix epoch.
    ts BIGINT NOT NULL,
    -- The cpu on which it was received and the thread woken.
    cpu_id INTEGER,
    -- When the thread was woken, ns since the Unix epoch.
    waking_ts BIGINT NOT NULL,
    -- The thread.
    tid INTEGER NOT NULL,
    -- The thread's process.
    pid INTEGER NOT NULL,
    -- What the first such segment is: `data`, `fin`, `rst`, `handshake` (a handshake's last segment
    -- on the listening socket, or the answer to a SYN), or `ack` for a mere acknowledgement.
    kind VARCHAR NOT NULL,
    -- How many segments could have caused it.
    candidates INTEGER NOT NULL,
    -- The first of those with payload, FIN or RST, ns since the Unix epoch; NULL for none.
    counted_ts BIGINT,
    -- That one's kind.
    counted_kind VARCHAR,
    -- How many have payload, FIN or RST.
    counted INTEGER NOT NULL,
    -- The connection of the first with payload, FIN or RST, else of the first.
    connection_id BIGINT NOT NULL,
    -- True where that one came from the client.
    from_client BOOLEAN NOT NULL,
    -- The socket that the thread waited on.
    socket_id BIGINT NOT NULL,
    -- The thread's descriptor for it.
    fd INTEGER NOT NULL,
    -- The call in which it slept.
    name VARCHAR NOT NULL,
    -- When that began, ns since the Unix epoch.
    entry_ts BIGINT NOT NULL,
    -- When the thread came to a cpu, ns since the Unix epoch; NULL where the trace does not show
    -- it.
    in_ts BIGINT,
    -- When the call returned, ns since the Unix epoch; NULL where the trace does not show it.
    return_ts BIGINT,
    -- When the thread's first call after that which receives or accepts on the socket returned, ns
    -- since the Unix epoch; the same where it slept in that call itself. NULL where there is none.
    read_ts BIGINT,
    -- False where the tracer may have lost events of any cpu between the first segment with
    -- payload, FIN or RST, else the first, and the waking.
    certain BOOLEAN NOT NULL,
    -- The same up to the last of the points that follow.
    certain_to_end BOOLEAN NOT NULL
);
