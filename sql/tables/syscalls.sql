-- Every system call of every thread, its entry paired with its exit; what has no entry began before
-- the trace.
CREATE TABLE syscalls (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The thread.
    tid INTEGER NOT NULL,
    -- The call's name; a 32-bit call on a 64-bit kernel begins with `compat_`.
    name VARCHAR NOT NULL,
    -- When the call began, ns since the Unix epoch; NULL where it began before the trace.
    entry_ts BIGINT,
    -- When it returned, ns since the Unix epoch; NULL where the trace does not show it.
    exit_ts BIGINT,
    -- The cpu on which it began.
    entry_cpu INTEGER,
    -- The cpu on which it returned.
    exit_cpu INTEGER,
    -- What it returned.
    ret BIGINT,
    -- True where a loss began on the call's cpu before its exit: entry and exit may not belong
    -- together.
    cleared BOOLEAN NOT NULL
);
