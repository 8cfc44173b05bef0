-- Whether the tracer may have lost events of one cpu between two times: a scalar macro over
-- `lost_windows`.
CREATE MACRO lost_on(in_run, on_cpu, from_ts, to_ts) AS (
    EXISTS (
        SELECT 1
        FROM lost_windows AS lost
        WHERE
            lost.run_id = in_run
            AND (lost.cpu_id = on_cpu OR lost.cpu_id IS NULL)
            AND lost.start_ts < to_ts
            AND lost.end_ts > from_ts
    )
);
