-- The windows of loss of each run that has any, as one list: what the macros `lost_on`,
-- `lost_anywhere` and `cleared_on` look into. A list beside the row, joined by the run alone, lets
-- a condition on the run reach the tables below; a subquery by the row would not.
-- staged: several steps read it while a batch is loaded
CREATE VIEW run_losses AS
SELECT
    -- The run.
    run_id,
    -- Its windows in order: cpu_id (NULL for every cpu), start_ts and end_ts.
    LIST(
        STRUCT_PACK(cpu_id := cpu_id, start_ts := start_ts, end_ts := end_ts) ORDER BY start_ts
    ) AS windows
FROM lost_windows
GROUP BY run_id;
