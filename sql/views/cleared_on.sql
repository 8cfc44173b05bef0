-- Whether what was known of one cpu was cleared between two times, because a window of loss began
-- or ended there (see `loss_edges`): a scalar macro over `run_losses.windows`.
CREATE MACRO cleared_on(windows, on_cpu, from_ts, to_ts) AS COALESCE(
    LEN(
        LIST_FILTER(
            windows,
            LAMBDA lost:
            (lost.cpu_id = on_cpu OR lost.cpu_id IS NULL)
            AND (
                (lost.start_ts >= from_ts AND lost.start_ts < to_ts)
                OR (lost.end_ts >= from_ts AND lost.end_ts < to_ts)
            )
        )
    ) > 0,
    false
);
