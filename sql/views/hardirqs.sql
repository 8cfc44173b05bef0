-- Every start of a hardware interrupt's handler with its end: per cpu, the exit that closes the
-- innermost open handler. A loss on the cpu and a `sched_switch` there close open handlers without
-- an end.
-- staged: several metrics read it while a batch is loaded
CREATE VIEW hardirqs AS
WITH
marks AS (
    SELECT
        run_id,
        cpu_id,
        ts,
        irq,
        name,
        1 AS step,
        false AS clears
    FROM event.irq_handler_entry
    UNION ALL
    SELECT
        run_id,
        cpu_id,
        ts,
        irq,
        NULL,
        -1,
        false
    FROM event.irq_handler_exit
    UNION ALL
    SELECT
        run_id,
        cpu_id,
        ts,
        NULL,
        NULL,
        0,
        true
    FROM event.sched_switch
    UNION ALL
    SELECT
        run_id,
        cpu_id,
        ts,
        NULL,
        NULL,
        0,
        true
    FROM loss_edges
),

-- At one time, the end of a handler that had started earlier comes before another's start.
placed AS (
    SELECT
        *,
        CASE
            WHEN step = -1 AND LAG(step) OVER same_irq = 1 THEN 0 WHEN step = 1 THEN 1 ELSE 2
        END AS place
    FROM marks
    WINDOW same_irq AS (PARTITION BY run_id, cpu_id, irq ORDER BY ts, step)
),

-- The loss begins after the last event of the CTF packet before it, which may share its time.
epochs AS (
    SELECT
        *,
        COUNT(CASE WHEN clears THEN 1 END) OVER (
            PARTITION BY run_id, cpu_id ORDER BY ts, clears, place
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS epoch
    FROM placed
),

levels AS (
    SELECT
        *,
        COUNT(CASE WHEN step = 1 THEN 1 END) OVER so_far
        - COUNT(CASE WHEN step = -1 THEN 1 END) OVER so_far
        + CASE WHEN step = -1 THEN 1 ELSE 0 END AS level
    FROM epochs
    WHERE step <> 0
    WINDOW so_far AS (
        PARTITION BY run_id, cpu_id, epoch ORDER BY ts, place
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
),

paired AS (
    SELECT
        *,
        LEAD(ts) OVER same_level AS next_ts,
        LEAD(irq) OVER same_level AS next_irq,
        LEAD(step) OVER same_level AS next_step
    FROM levels
    WINDOW same_level AS (PARTITION BY run_id, cpu_id, epoch, level ORDER BY ts, place)
)

SELECT
    -- The run.
    run_id,
    -- When the handler started, ns since the Unix epoch.
    ts,
    -- When it ended, ns since the Unix epoch; NULL where the trace does not show it.
    CASE WHEN next_step = -1 AND next_irq = irq THEN next_ts END AS exit_ts,
    -- The cpu.
    cpu_id,
    -- The interrupt's number.
    irq,
    -- The handler's name.
    name AS irq_name
FROM paired
WHERE step = 1;
