-- The stages of the intervals in `latency`, for the metrics that have them; a stage that the trace
-- does not show has no row.
CREATE TABLE latency_stages (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The metric's name.
    metric VARCHAR NOT NULL,
    -- The stage's name: a column of the metric's view.
    stage VARCHAR NOT NULL,
    -- The whole interval's start, ns since the Unix epoch.
    ts BIGINT NOT NULL,
    -- The stage's length, ns.
    dur BIGINT NOT NULL,
    -- False where the tracer may have lost events that the interval depends on.
    certain BOOLEAN NOT NULL
);

-- What each metric leaves out, by reason, so that a quantile is never read without it.
CREATE TABLE metric_counts (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The metric's name.
    metric VARCHAR NOT NULL,
    -- Why there is no interval, such as `unpaired`, `not_blocked`, `deferred`, `no_xmit` or
    -- `cleared_by_loss`.
    reason VARCHAR NOT NULL,
    -- How many there were.
    n BIGINT NOT NULL
);
