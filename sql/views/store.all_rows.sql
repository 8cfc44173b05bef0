-- The rows of all event classes, whichever table holds them: the warehouse adds the tables of
-- single classes as it makes them.
CREATE VIEW store.all_rows AS
SELECT
    -- The run.
    run_id,
    -- The class: `store.classes.code`.
    code,
    -- When the event happened, ns since the Unix epoch.
    ts,
    -- The cpu on which it happened; NULL where the trace does not say.
    cpu_id,
    -- The thread that was current on that cpu; NULL where unknown.
    ctx_tid AS tid,
    -- What the system call returned, for the events that end one; NULL for all others.
    ret
FROM store.narrow
UNION ALL
SELECT run_id, code, ts, cpu_id, ctx_tid, ret FROM store.middle
UNION ALL
SELECT run_id, code, ts, cpu_id, ctx_tid, ret FROM store.wide;
