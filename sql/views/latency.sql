-- Every interval of every metric, filled from the metric views when a run is loaded: what
-- comparisons and reports read.
CREATE VIEW latency AS
SELECT
    -- The run.
    run_id,
    -- The metric's name: the view in `sql/metrics/` that defines it.
    metric,
    -- The interval's start, ns since the Unix epoch.
    ts,
    -- The interval's length, ns.
    dur,
    -- False where the tracer may have lost events that the interval depends on.
    certain
FROM store.intervals
UNION ALL
SELECT run_id, 'syscall_latency', entry_ts, dur, certain
FROM store.calls
WHERE dur IS NOT NULL AND NOT cleared;
