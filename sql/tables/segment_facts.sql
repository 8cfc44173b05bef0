-- What each TCP segment at the kernel's events is to its connection: `segments` has the rest.
CREATE TABLE store.segment_facts (
    -- The run.
    run_id INTEGER NOT NULL,
    -- When it was received or queued, ns since the Unix epoch.
    ts BIGINT NOT NULL,
    -- The cpu.
    cpu_id INTEGER,
    -- The buffer's address.
    skbaddr UBIGINT,
    -- `rx` or `queue`.
    direction VARCHAR NOT NULL,
    -- The sequence number.
    seq UINTEGER,
    -- The connection: `connections.connection_id`.
    connection_id BIGINT NOT NULL,
    -- True where it goes from the client to the server.
    from_client BOOLEAN NOT NULL,
    -- True where any of its sequence numbers was in an earlier segment of that side there.
    retransmission BOOLEAN NOT NULL
);
