-- How long each system call took: from its entry to the exit that follows in the same thread and
-- bears the same name, native or `compat_`.
-- from: syscall_entry_*
-- to: syscall_exit_*
-- requires: syscall_entry_*, syscall_exit_*
-- intervals: complete_calls
CREATE VIEW syscall_latency AS
SELECT
    -- The run.
    s.run_id,
    -- When the call began, ns since the Unix epoch.
    s.ts,
    -- How long it took, ns.
    s.dur,
    -- False where the tracer may have lost events meanwhile: of any cpu, for a call may sleep and
    -- move.
    s.certain,
    -- The thread.
    s.tid,
    -- The thread's process; NULL where the trace does not say.
    t.pid,
    -- The thread's name when the call began; NULL where the trace does not say.
    t.comm,
    -- The call's name; a 32-bit call on a 64-bit kernel begins with `compat_`.
    s.name,
    -- What it returned: a number, or an error below 0.
    s.ret,
    -- The cpu on which it began.
    s.cpu_id
FROM complete_calls AS s
LEFT JOIN threads AS t
    ON
        s.run_id = t.run_id
        AND s.tid = t.tid
        AND t.start_ts <= s.ts
        AND t.end_ts > s.ts;

-- What `syscall_latency` leaves out: calls of which the trace does not show both ends.
CREATE VIEW syscall_latency_left_out AS
SELECT
    -- The run.
    run_id,
    -- `cleared_by_loss`, `unpaired` where the thread or the trace ended first, or `no_entry` where
    -- the call began before the trace.
    CASE
        WHEN cleared THEN 'cleared_by_loss'
        WHEN entry_ts IS NULL THEN 'no_entry'
        ELSE 'unpaired'
    END AS reason,
    -- How many there were.
    COUNT(*) AS n
FROM syscalls
WHERE entry_ts IS NULL OR exit_ts IS NULL OR cleared
GROUP BY ALL;
