-- Every call that copies a descriptor within its process: `dup`, `dup2`, `dup3`, `fcntl(F_DUPFD)`,
-- and opening `/dev/fd/N`.
CREATE VIEW fd_copies AS
SELECT
    -- The run.
    run_id,
    -- When the call began, ns since the Unix epoch.
    ts,
    -- The thread.
    ctx_tid,
    -- The descriptor that is copied.
    fildes AS from_fd,
    -- The copy's number where the call asks for one; else the call returns it.
    NULL AS to_fd,
    -- The flags; 524288 closes the copy on exec.
    0 AS flags
FROM event.syscall_entry_dup
UNION ALL
SELECT run_id, ts, ctx_tid, oldfd, newfd, 0
FROM event.syscall_entry_dup2
WHERE oldfd <> newfd
UNION ALL
SELECT run_id, ts, ctx_tid, oldfd, newfd, flags FROM event.syscall_entry_dup3
UNION ALL
SELECT run_id, ts, ctx_tid, fd, NULL, CASE WHEN cmd = 1030 THEN 524288 ELSE 0 END
FROM event.syscall_entry_fcntl
WHERE cmd IN (0, 1030)
UNION ALL
SELECT run_id, ts, ctx_tid, REGEXP_EXTRACT(path, '\d+$')::UINTEGER, NULL, flags
FROM fd_paths
WHERE REGEXP_FULL_MATCH(path, '/(dev|proc/self)/fd/\d{1,9}');
