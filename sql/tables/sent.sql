-- What the view `tx_path` shows: one row a queued TCP segment.
CREATE TABLE store.sent (
    -- The run.
    run_id INTEGER NOT NULL,
    -- When it was handed to the device's queue (`net_dev_queue`), ns since the Unix epoch.
    ts BIGINT NOT NULL,
    -- The cpu.
    cpu_id INTEGER,
    -- The buffer's address; addresses are reused at once.
    skbaddr UBIGINT,
    -- The network device.
    device VARCHAR,
    -- The connection: `connections.connection_id`.
    connection_id BIGINT,
    -- True where it goes from the client to the server.
    from_client BOOLEAN,
    -- The sequence number.
    seq UINTEGER,
    -- The acknowledgement number.
    ack_seq UINTEGER,
    -- The flags.
    flags USMALLINT,
    -- The payload's length in bytes.
    payload_len INTEGER,
    -- True where any of its sequence numbers was sent before.
    retransmission BOOLEAN,
    -- What queued it: `call`, `softirq` or `task`; NULL where the trace does not tell.
    context VARCHAR,
    -- The thread, in a call or outside of one.
    tid INTEGER,
    -- The call's name.
    name VARCHAR,
    -- The call's descriptor.
    fd INTEGER,
    -- When the call began, ns since the Unix epoch.
    entry_ts BIGINT,
    -- When it returned, ns since the Unix epoch.
    exit_ts BIGINT,
    -- When the first packet of it was captured, ns since the Unix epoch.
    capture_ts BIGINT,
    -- How many captured packets are of it.
    packets INTEGER NOT NULL,
    -- When the buffer was freed, ns since the Unix epoch.
    consume_ts BIGINT,
    -- When the driver took it, or its first segment, ns since the Unix epoch.
    xmit_ts BIGINT,
    -- False where the tracer may have lost events of any cpu between the first point and the last.
    certain BOOLEAN NOT NULL
);
