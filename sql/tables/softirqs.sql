-- Every run of a softirq's handler: its start with its end (the exit of the same vector that
-- follows on the same cpu), and the oldest raise since the start before it on that cpu and vector.
-- A raise that no start follows has a row of its own.
CREATE TABLE softirqs (
    -- The run.
    run_id INTEGER NOT NULL,
    -- When the handler started, ns since the Unix epoch; NULL for a raise that no start follows.
    ts BIGINT,
    -- When it ended, ns since the Unix epoch; NULL where the trace does not show it.
    exit_ts BIGINT,
    -- The cpu.
    cpu_id INTEGER,
    -- The softirq's vector: `softirq_vectors` has the names.
    vec UINTEGER,
    -- The thread that was current as it started: the interrupted one, or `ksoftirqd`.
    ctx_tid INTEGER,
    -- True where a loss began on the cpu between start and end.
    cleared BOOLEAN NOT NULL,
    -- False where the tracer may have lost events of this cpu between start and end.
    certain BOOLEAN NOT NULL,
    -- When the oldest raise since the start before happened, ns since the Unix epoch; NULL for
    -- none.
    raise_ts BIGINT,
    -- The thread that was current at that raise.
    raise_tid INTEGER,
    -- What raised it: `hardirq`, `softirq`, `task`, `threaded_irq`, or `unseen` where no event can
    -- tell.
    origin VARCHAR,
    -- When the innermost handler open at the raise started, ns since the Unix epoch; NULL for none.
    irq_ts BIGINT,
    -- False where the tracer may have lost events of this cpu between raise and start.
    raise_certain BOOLEAN NOT NULL,
    -- False where the tracer may have lost events of this cpu between that handler's start and the
    -- softirq's.
    irq_certain BOOLEAN NOT NULL,
    -- True where a loss on the cpu may hide what the row lacks: the raise, or the start.
    lost BOOLEAN NOT NULL
);
