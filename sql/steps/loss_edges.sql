-- The two ends of every window in which the tracer may have lost events. At each, what is known of
-- the cpu is cleared: what was open before the window may have ended within it, and where in the
-- window the lost events stood, and so what they left open, nothing tells.
-- staged: several steps read it while a batch is loaded
CREATE VIEW loss_edges AS
WITH
everywhere AS (
    SELECT * FROM lost_windows
    WHERE cpu_id IS NULL
),

cpus AS (
    SELECT DISTINCT e.run_id, e.cpu_id
    FROM events AS e
    SEMI JOIN everywhere AS n ON e.run_id = n.run_id
    WHERE e.cpu_id IS NOT NULL
),

windows AS (
    SELECT run_id, cpu_id, start_ts, end_ts FROM lost_windows
    UNION ALL
    SELECT w.run_id, c.cpu_id, w.start_ts, w.end_ts
    FROM everywhere AS w
    INNER JOIN cpus AS c ON w.run_id = c.run_id
)

SELECT
    -- The run.
    run_id,
    -- The cpu; a window that names none stands for each cpu of the run.
    cpu_id,
    -- The window's start or end, ns since the Unix epoch; an event of that very time came before.
    start_ts AS ts
FROM windows
UNION ALL
SELECT run_id, cpu_id, end_ts
FROM windows;
