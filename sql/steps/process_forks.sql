-- Every fork that made a process, as against a thread of the same one.
CREATE VIEW process_forks AS
SELECT
    -- The run.
    run_id,
    -- When it happened, ns since the Unix epoch.
    ts,
    -- The thread that forked.
    parent_tid,
    -- Its process.
    parent_pid,
    -- The new process.
    child_pid
FROM event.sched_process_fork
WHERE parent_pid <> child_pid;
