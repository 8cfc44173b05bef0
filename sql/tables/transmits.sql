-- Every buffer handed to a device's queue with the transmit that ended its wait: by its address,
-- else, where the stack split a large buffer itself (GSO), the first transmit on that cpu and
-- device that no queue event of its address explains.
CREATE TABLE transmits (
    -- The run.
    run_id INTEGER NOT NULL,
    -- When the buffer was handed to the queue, ns since the Unix epoch.
    ts BIGINT NOT NULL,
    -- When the driver took it, ns since the Unix epoch; NULL where the trace does not show it.
    xmit_ts BIGINT,
    -- The cpu on which the driver took it.
    xmit_cpu INTEGER,
    -- How the two were matched: `skbaddr` or `gso`; NULL where neither holds.
    match VARCHAR,
    -- True where a loss began on one of the two cpus between the two.
    cleared BOOLEAN NOT NULL,
    -- False where the tracer may have lost events of any cpu between the two.
    certain BOOLEAN NOT NULL,
    -- The buffer's address; addresses are reused at once.
    skbaddr UBIGINT,
    -- The buffer's length in bytes.
    len UINTEGER,
    -- The network device.
    device VARCHAR,
    -- The cpu on which it was queued.
    cpu_id INTEGER,
    -- The thread that was current there.
    ctx_tid INTEGER
);
