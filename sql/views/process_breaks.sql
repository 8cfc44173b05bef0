-- When a process ended or replaced its program: what ends the meaning of its descriptors.
-- staged: several steps read it while a batch is loaded
CREATE VIEW process_breaks AS
SELECT
    -- The run.
    e.run_id,
    -- The process.
    e.tid AS pid,
    -- When it happened, ns since the Unix epoch.
    e.ts,
    -- `exit` or `exec`.
    'exit' AS what
FROM event.sched_process_exit AS e
SEMI JOIN threads AS t ON e.run_id = t.run_id AND e.tid = t.pid
UNION ALL
SELECT run_id, tid, ts, 'exec'
FROM event.sched_process_exec;
