-- Every start of a hardware interrupt's handler with what closed it: per cpu, the exit that closes
-- the innermost open handler; a loss on the cpu and a `sched_switch` there close all of them.
-- staged: several steps read it while a batch is loaded
CREATE VIEW hardirq_pairs AS
WITH
marks AS (
    SELECT run_id, cpu_id, ts, irq, name, ctx_tid, 1 AS step
    FROM event.irq_handler_entry
    UNION ALL
    SELECT run_id, cpu_id, ts, irq, NULL, NULL, -1 FROM event.irq_handler_exit
    UNION ALL
    SELECT run_id, cpu_id, ts, NULL, NULL, NULL, 0 FROM event.sched_switch
    UNION ALL
    SELECT run_id, cpu_id, ts, NULL, NULL, NULL, 0 FROM loss_edges
),

-- What clears where nothing can be open, most switches, is of no use. It comes last at its time:
-- a loss begins after the last event of the CTF packet before it, which may share its time.
useful AS (
    SELECT *
    FROM marks
    QUALIFY
        step <> 0 OR LAG(step) OVER (PARTITION BY run_id, cpu_id ORDER BY ts, step = 0) <> 0
),

-- At one time, the end of a handler that had started earlier comes before another's start.
placed AS (
    SELECT
        *,
        CASE
            WHEN step = 0 THEN 3
            WHEN step = 1 THEN 1
            WHEN LAG(step) OVER same_irq = 1 THEN 0
            ELSE 2
        END AS place
    FROM useful
    WINDOW same_irq AS (PARTITION BY run_id, cpu_id, irq ORDER BY ts, step)
),

epochs AS (
    SELECT
        *,
        COUNT(CASE WHEN step = 0 THEN 1 END) OVER (
            PARTITION BY run_id, cpu_id ORDER BY ts, place
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS epoch
    FROM placed
),

levels AS (
    SELECT
        *,
        COUNT(CASE WHEN step = 1 THEN 1 END) OVER so_far
        - COUNT(CASE WHEN step = -1 THEN 1 END) OVER so_far
        + CASE WHEN step = -1 THEN 1 ELSE 0 END AS level,
        MAX(CASE WHEN step = 0 THEN ts END) OVER (PARTITION BY run_id, cpu_id, epoch) AS cleared_ts
    FROM epochs
    WINDOW so_far AS (
        PARTITION BY run_id, cpu_id, epoch ORDER BY ts, place
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
),

paired AS (
    SELECT
        *,
        LEAD(ts) OVER same_level AS next_ts,
        LEAD(irq) OVER same_level AS next_irq
    FROM levels
    WHERE step <> 0
    WINDOW same_level AS (PARTITION BY run_id, cpu_id, epoch, level ORDER BY ts, place)
)

SELECT
    -- The run.
    run_id,
    -- When the handler started, ns since the Unix epoch.
    ts,
    -- When it ended, ns since the Unix epoch; NULL where the trace does not show it.
    CASE WHEN next_irq = irq THEN next_ts END AS exit_ts,
    -- When nothing can tell any more that it is open, ns since the Unix epoch: its end, another's
    -- in its place, a switch or a loss; far in the future where none of these came.
    COALESCE(next_ts, cleared_ts, 9223372036854775806) AS closed_ts,
    -- How many handlers were open on the cpu, with this one.
    level,
    -- The cpu.
    cpu_id,
    -- The interrupt's number.
    irq,
    -- The handler's name.
    name AS irq_name,
    -- The thread that was interrupted.
    ctx_tid
FROM paired
WHERE step = 1;
