-- The stages of the intervals in `latency`, for the metrics that have them; a stage that the trace
-- does not show has no row.
-- arms: a_metric, a_stage, is_certain
CREATE VIEW latency_stages AS
SELECT
    -- The run.
    run_id,
    -- The metric's name.
    'a_metric' AS metric,
    -- The stage's name: a column of the metric's view.
    'a_stage' AS stage,
    -- The whole interval's start, ns since the Unix epoch.
    ts,
    -- The stage's length, ns.
    a_stage AS dur,
    -- False where the tracer may have lost events that the stage depends on.
    is_certain AS certain
FROM a_metric
WHERE a_stage IS NOT NULL;
