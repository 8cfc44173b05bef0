-- Every interval of every metric: what comparisons and reports read.
-- arms: a_metric
CREATE VIEW latency AS
SELECT
    -- The run.
    run_id,
    -- The metric's name: the view in `sql/metrics/` that defines it.
    'a_metric' AS metric,
    -- The interval's start, ns since the Unix epoch.
    ts,
    -- The interval's length, ns.
    dur,
    -- False where the tracer may have lost events that the interval depends on.
    certain
FROM a_metric;
