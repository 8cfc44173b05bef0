-- Every call that wrote to a TCP socket, with the first segment with payload that its thread queued
-- before it returned, and that segment's transmit.
CREATE TABLE sends (
    -- The run.
    run_id INTEGER NOT NULL,
    -- When the call began, ns since the Unix epoch.
    entry_ts BIGINT NOT NULL,
    -- When it returned, ns since the Unix epoch.
    exit_ts BIGINT NOT NULL,
    -- The thread.
    tid INTEGER NOT NULL,
    -- The thread's process.
    pid INTEGER NOT NULL,
    -- The descriptor.
    fd BIGINT,
    -- The call's name.
    name VARCHAR NOT NULL,
    -- What it returned.
    ret BIGINT,
    -- The connection; NULL where the descriptor's is not known.
    connection_id BIGINT,
    -- When the segment was queued, ns since the Unix epoch; NULL where the call queued none.
    queue_ts BIGINT,
    -- The cpu on which it was queued.
    queue_cpu INTEGER,
    -- The segment's buffer.
    skbaddr UBIGINT,
    -- When the driver took it, ns since the Unix epoch; NULL where the trace does not show it.
    xmit_ts BIGINT,
    -- The cpu on which the driver took it.
    xmit_cpu INTEGER,
    -- How the transmit was matched: `skbaddr` or `gso`; NULL where neither holds.
    match VARCHAR,
    -- True where a loss began between queue and transmit.
    cleared BOOLEAN NOT NULL,
    -- False where the tracer may have lost events of any cpu between entry and transmit.
    certain BOOLEAN NOT NULL,
    -- The same up to the later of transmit and exit.
    certain_to_end BOOLEAN NOT NULL
);
