-- Whether what was known of one cpu was cleared between two times, because a window of loss began
-- or ended there: a scalar macro over `loss_edges`.
CREATE MACRO cleared_on(in_run, on_cpu, from_ts, to_ts) AS (
    EXISTS (
        SELECT 1
        FROM loss_edges AS edge
        WHERE
            edge.run_id = in_run
            AND (edge.cpu_id = on_cpu OR edge.cpu_id IS NULL)
            AND edge.ts >= from_ts
            AND edge.ts < to_ts
    )
);
