-- Every connection whose handshake the trace shows, with the call that accepted it and, where its
-- thread slept through the handshake's final ACK, the waking, the switch and the return that
-- followed.
CREATE TABLE accepted_connections (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The client's address.
    saddr VARCHAR,
    -- The client's port.
    sport USMALLINT,
    -- The server's address.
    daddr VARCHAR,
    -- The server's port.
    dport USMALLINT,
    -- The SYN's sequence number.
    seq UINTEGER,
    -- When the SYN was received, ns since the Unix epoch.
    syn_ts BIGINT NOT NULL,
    -- When the SYN-ACK was queued, ns since the Unix epoch; NULL where the trace does not show it.
    synack_ts BIGINT,
    -- When the final ACK was received, ns since the Unix epoch; NULL where the trace does not show
    -- it.
    ack_ts BIGINT,
    -- When the call that accepted the connection returned, ns since the Unix epoch; NULL where no
    -- call named this peer.
    accept_ts BIGINT,
    -- The thread that accepted it.
    tid INTEGER,
    -- The thread's process; NULL where the trace does not say.
    pid INTEGER,
    -- The descriptor that it got.
    fd INTEGER,
    -- When the wait call that covers the ACK returned, ns since the Unix epoch; NULL where the
    -- thread did not wait.
    wait_exit_ts BIGINT,
    -- True where a loss began or ended on that call's cpu before its return.
    wait_cleared BOOLEAN NOT NULL,
    -- When the first waking of the sleeping thread at or after the ACK fired, ns since the Unix
    -- epoch; NULL where it did not sleep.
    waking_ts BIGINT,
    -- When the thread then came to a cpu, ns since the Unix epoch.
    in_ts BIGINT,
    -- False where the tracer may have lost events of any cpu between the SYN and the waking.
    certain BOOLEAN NOT NULL,
    -- The same up to the return of the call that accepted the connection.
    certain_to_end BOOLEAN NOT NULL
);
