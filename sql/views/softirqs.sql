-- Every run of a softirq's handler: its start with its end (the exit of the same vector that
-- follows on the same cpu), and the oldest raise since the start before it on that cpu and vector.
-- A raise that no start follows has a row of its own.
CREATE VIEW softirqs AS
SELECT
    -- The run.
    run_id,
    -- When the handler started, ns since the Unix epoch; NULL for a raise that no start follows.
    ts,
    -- When it ended, ns since the Unix epoch; NULL where the trace does not show it.
    ts + dur AS exit_ts,
    -- The cpu.
    cpu_id,
    -- The softirq's vector: `softirq_vectors` has the names.
    vec,
    -- The thread that was current as it started: the interrupted one, or `ksoftirqd`.
    ctx_tid,
    -- True where a loss began on the cpu between start and end.
    cleared,
    -- False where the tracer may have lost events of this cpu between start and end.
    certain,
    -- When the oldest raise since the start before happened, ns since the Unix epoch; NULL for
    -- none.
    COALESCE(ts - waited, lone_raise_ts) AS raise_ts,
    -- The thread that was current at that raise.
    raise_tid,
    -- What raised it: `hardirq`, `softirq`, `task`, `threaded_irq`, or `unseen` where no event can
    -- tell.
    origin,
    -- When the innermost handler open at the raise started, ns since the Unix epoch; NULL for none.
    COALESCE(ts - waited, lone_raise_ts) - handled AS irq_ts,
    -- False where the tracer may have lost events of this cpu between raise and start.
    raise_certain,
    -- False where the tracer may have lost events of this cpu between that handler's start and the
    -- softirq's.
    irq_certain,
    -- True where a loss on the cpu may hide what the row lacks: the raise, or the start.
    lost
FROM store.softirq_spans;
