-- Every call that opens a path, with the path as the call spells it.
CREATE VIEW fd_paths AS
SELECT
    -- The run.
    run_id,
    -- When the call began, ns since the Unix epoch.
    ts,
    -- The thread.
    ctx_tid,
    -- The path.
    filename AS path,
    -- The flags; 524288 closes the descriptor on exec.
    flags
FROM event.syscall_entry_open
UNION ALL
SELECT run_id, ts, ctx_tid, filename, flags FROM event.syscall_entry_openat
UNION ALL
SELECT run_id, ts, ctx_tid, filename, 0 FROM event.syscall_entry_openat2
UNION ALL
SELECT run_id, ts, ctx_tid, pathname, 0 FROM event.syscall_entry_creat;
