-- The rows of `store.waking_counts`.
-- fills: store.waking_counts
CREATE VIEW waking_count_rows AS
SELECT
    -- The run.
    run_id,
    -- `cleared_by_loss`, `no_switch` where the trace's end cut the wait off, or `not_asleep` for
    -- the dropped wakings.
    reason,
    -- How many there were.
    SUM(n)::BIGINT AS n
FROM (
    SELECT
        run_id,
        CASE WHEN in_ts IS NULL THEN 'no_switch' ELSE 'cleared_by_loss' END AS reason,
        1 AS n
    FROM thread_turns
    WHERE cleared OR (waking_ts IS NOT NULL AND in_ts IS NULL)
    UNION ALL
    SELECT run_id, 'not_asleep', dropped
    FROM thread_turns
    WHERE dropped > 0
) AS causes
GROUP BY ALL
ORDER BY run_id, reason;
