-- The two ends of every window in which the tracer may have lost events. At each, what is known of
-- the cpu is cleared: what was open before the window may have ended within it, and where in the
-- window the lost events stood, and so what they left open, nothing tells.
CREATE VIEW loss_edges AS
SELECT
    -- The run.
    run_id,
    -- The cpu; NULL for every cpu.
    cpu_id,
    -- The window's start or end, ns since the Unix epoch; an event of that very time came before.
    start_ts AS ts
FROM lost_windows
UNION ALL
SELECT run_id, cpu_id, end_ts
FROM lost_windows;
