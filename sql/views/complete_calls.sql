-- Every system call of which the trace shows both ends, with no loss between them that could have
-- parted them.
CREATE VIEW complete_calls AS
SELECT
    -- The run.
    run_id,
    -- When the call began, ns since the Unix epoch.
    entry_ts AS ts,
    -- How long it took, ns.
    dur,
    -- False where the tracer may have lost events of any cpu meanwhile.
    certain,
    -- The thread.
    tid,
    -- The call's name.
    name,
    -- What it returned.
    ret,
    -- The cpu on which it began.
    entry_cpu AS cpu_id
FROM store.calls
WHERE dur IS NOT NULL AND NOT cleared;
