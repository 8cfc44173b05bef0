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
