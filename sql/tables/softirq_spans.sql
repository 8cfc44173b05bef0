-- What the view `softirqs` shows, times as lengths: these take less room, and metrics read them.
CREATE TABLE store.softirq_spans (
    -- The run.
    run_id INTEGER NOT NULL,
    -- When the handler started, ns since the Unix epoch; NULL for a raise that no start follows.
    ts BIGINT,
    -- How long it ran, ns; NULL where the trace does not show its end.
    dur BIGINT,
    -- The cpu.
    cpu_id INTEGER,
    -- The softirq's vector.
    vec UINTEGER,
    -- The thread that was current as it started.
    ctx_tid INTEGER,
    -- True where a loss began on the cpu between start and end.
    cleared BOOLEAN NOT NULL,
    -- False where the tracer may have lost events of this cpu between start and end.
    certain BOOLEAN NOT NULL,
    -- From the oldest raise since the start before to the start, ns; NULL where one is not shown.
    waited BIGINT,
    -- When a raise that no start follows happened, ns since the Unix epoch; NULL for others.
    lone_raise_ts BIGINT,
    -- The thread that was current at that raise.
    raise_tid INTEGER,
    -- What raised it.
    origin VARCHAR,
    -- From the start of the innermost handler open at the raise to the raise, ns; NULL for none.
    handled BIGINT,
    -- False where the tracer may have lost events of this cpu between raise and start.
    raise_certain BOOLEAN NOT NULL,
    -- False where the tracer may have lost events of this cpu between that handler's start and the
    -- softirq's.
    irq_certain BOOLEAN NOT NULL,
    -- True where a loss on the cpu may hide what the row lacks: the raise, or the start.
    lost BOOLEAN NOT NULL
);
