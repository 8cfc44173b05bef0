-- What the view `rx_path` shows: one row a received TCP segment.
CREATE TABLE store.received (
    -- The run.
    run_id INTEGER NOT NULL,
    -- When the stack took it (`net_if_receive_skb`), ns since the Unix epoch.
    ts BIGINT NOT NULL,
    -- The cpu.
    cpu_id INTEGER,
    -- The buffer's address; addresses are reused at once.
    skbaddr UBIGINT,
    -- The network device.
    device VARCHAR,
    -- The connection: `connections.connection_id`.
    connection_id BIGINT NOT NULL,
    -- True where it came from the client.
    from_client BOOLEAN NOT NULL,
    -- `syn`, `synack`, `handshake`, `data`, `fin`, `rst` or `ack`.
    kind VARCHAR NOT NULL,
    -- The sequence number.
    seq UINTEGER,
    -- The acknowledgement number.
    ack_seq UINTEGER,
    -- The flags.
    flags USMALLINT,
    -- The payload's length in bytes.
    payload_len INTEGER,
    -- When the hardware interrupt's handler that raised the softirq started, ns since the Unix
    -- epoch; NULL for none.
    irq_ts BIGINT,
    -- When the softirq was raised, ns since the Unix epoch.
    raise_ts BIGINT,
    -- When the NET_RX softirq that took it started, ns since the Unix epoch.
    softirq_ts BIGINT,
    -- When the driver handed it to GRO, ns since the Unix epoch.
    gro_ts BIGINT,
    -- When the NAPI poll that took it ended, ns since the Unix epoch.
    poll_ts BIGINT,
    -- When the stack queued its own answer, ns since the Unix epoch.
    answer_ts BIGINT,
    -- The answer's flags.
    answer_flags USMALLINT,
    -- How many waiting threads it may have woken.
    woken INTEGER NOT NULL,
    -- When the first of them was woken, ns since the Unix epoch.
    waking_ts BIGINT,
    -- That thread.
    tid INTEGER,
    -- How many segments could have caused that wake.
    candidates INTEGER,
    -- When the thread came to a cpu, ns since the Unix epoch.
    in_ts BIGINT,
    -- When the call in which it had waited returned, ns since the Unix epoch.
    return_ts BIGINT,
    -- When its first call after that which receives or accepts on the socket returned, ns since the
    -- Unix epoch.
    read_ts BIGINT,
    -- Which points the trace could have shown, a bit each: `rx_path` names them.
    shown USMALLINT NOT NULL,
    -- False where the tracer may have lost events of any cpu between the first point and the last.
    certain BOOLEAN NOT NULL
);
