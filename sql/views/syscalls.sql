-- Every system call of every thread, its entry paired with its exit; what has no entry began before
-- the trace.
CREATE VIEW syscalls AS
SELECT
    -- The run.
    run_id,
    -- The thread.
    tid,
    -- The call's name; a 32-bit call on a 64-bit kernel begins with `compat_`.
    name,
    -- When the call began, ns since the Unix epoch; NULL where it began before the trace.
    entry_ts,
    -- When it returned, ns since the Unix epoch; NULL where the trace does not show it.
    COALESCE(entry_ts + dur, lone_exit_ts) AS exit_ts,
    -- The cpu on which it began.
    entry_cpu,
    -- The cpu on which it returned.
    exit_cpu,
    -- What it returned.
    ret,
    -- True where a loss began on the call's cpu before its exit: entry and exit may not belong
    -- together.
    cleared
FROM store.calls;
