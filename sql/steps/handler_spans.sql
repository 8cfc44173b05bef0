-- Which hardware interrupt's handler was the innermost open one on a cpu, from one time on: from
-- its start, and again from the end of one that had interrupted it. Of the spans of a cpu that
-- begin at or before a time the last one holds, unless that has ended.
-- staged: several steps read it while a batch is loaded
CREATE VIEW handler_spans AS
SELECT
    -- The run.
    run_id,
    -- The cpu.
    cpu_id,
    -- From when on, ns since the Unix epoch.
    ts AS start_ts,
    -- Until when, that time included, ns since the Unix epoch.
    closed_ts AS end_ts,
    -- When the handler started, ns since the Unix epoch.
    ts AS irq_ts,
    -- The interrupt's number.
    irq
FROM hardirq_pairs
UNION ALL
SELECT inner_one.run_id, inner_one.cpu_id, inner_one.closed_ts + 1, outer_one.closed_ts,
    outer_one.ts, outer_one.irq
FROM hardirq_pairs AS inner_one
ASOF INNER JOIN hardirq_pairs AS outer_one
    ON
        inner_one.run_id = outer_one.run_id
        AND inner_one.cpu_id = outer_one.cpu_id
        AND inner_one.level - 1 = outer_one.level
        AND inner_one.ts >= outer_one.ts
WHERE
    inner_one.closed_ts < outer_one.closed_ts;
