-- Whether the tracer may have lost events of one cpu between two times: a scalar macro over
-- `run_losses.windows`.
CREATE MACRO lost_on(windows, on_cpu, from_ts, to_ts) AS COALESCE(
    LEN(
        LIST_FILTER(
            windows,
            LAMBDA lost:
            (lost.cpu_id = on_cpu OR lost.cpu_id IS NULL)
            AND lost.start_ts < to_ts
            AND lost.end_ts > from_ts
        )
    ) > 0,
    false
);
