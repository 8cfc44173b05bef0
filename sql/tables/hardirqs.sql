-- Every start of a hardware interrupt's handler with its end: per cpu, the exit that closes the
-- innermost open handler. A loss on the cpu and a `sched_switch` there close open handlers without
-- an end.
CREATE TABLE hardirqs (
    -- The run.
    run_id INTEGER NOT NULL,
    -- When the handler started, ns since the Unix epoch.
    ts BIGINT NOT NULL,
    -- When it ended, ns since the Unix epoch; NULL where the trace does not show it.
    exit_ts BIGINT,
    -- The cpu.
    cpu_id INTEGER,
    -- The interrupt's number.
    irq INTEGER,
    -- The handler's name, as in `/proc/interrupts`.
    irq_name VARCHAR,
    -- The thread that was interrupted; NULL where unknown.
    ctx_tid INTEGER,
    -- False where the tracer may have lost events of this cpu between the two.
    certain BOOLEAN NOT NULL
);
