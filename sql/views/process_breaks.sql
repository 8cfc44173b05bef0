-- When a process ended or replaced its program: what ends the meaning of its descriptors.
CREATE VIEW process_breaks AS
SELECT
    -- The run.
    run_id,
    -- The process.
    tid AS pid,
    -- When it happened, ns since the Unix epoch.
    ts,
    -- `exit` or `exec`.
    'exit' AS what
FROM event.sched_process_exit
WHERE (run_id, tid) IN (SELECT (run_id, pid) FROM threads)
UNION ALL
SELECT run_id, tid, ts, 'exec'
FROM event.sched_process_exec;
