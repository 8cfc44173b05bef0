-- Whether the tracer may have lost events of any cpu between two times: a scalar macro over
-- `run_losses.windows`.
CREATE MACRO lost_anywhere(windows, from_ts, to_ts) AS COALESCE(
    LEN(
        LIST_FILTER(windows, LAMBDA lost: lost.start_ts < to_ts AND lost.end_ts > from_ts)
    ) > 0,
    false
);
