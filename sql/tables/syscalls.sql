-- What the view `syscalls` shows, with what `latency` needs of it.
CREATE TABLE store.calls (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The thread.
    tid INTEGER NOT NULL,
    -- The call's name.
    name VARCHAR NOT NULL,
    -- When the call began, ns since the Unix epoch; NULL where it began before the trace.
    entry_ts BIGINT,
    -- How long it took, ns; NULL unless the trace shows both its ends.
    dur BIGINT,
    -- When a call that began before the trace returned, ns since the Unix epoch; NULL for others.
    lone_exit_ts BIGINT,
    -- The cpu on which it began.
    entry_cpu INTEGER,
    -- The cpu on which it returned.
    exit_cpu INTEGER,
    -- What it returned.
    ret BIGINT,
    -- True where a loss began on the call's cpu before its exit.
    cleared BOOLEAN NOT NULL,
    -- False where the tracer may have lost events of any cpu during the call.
    certain BOOLEAN NOT NULL
);
