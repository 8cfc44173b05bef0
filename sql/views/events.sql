-- Every kernel event of every run, one narrow row each; the event's own fields are in
-- `event.<name>`.
CREATE VIEW events AS
SELECT
    -- The run.
    r.run_id,
    -- When the event happened, ns since the Unix epoch.
    r.ts,
    -- The cpu on which it happened; NULL where the trace does not say.
    r.cpu_id,
    -- The thread that was current on that cpu: from the trace's contexts, else from `sched_switch`;
    -- NULL where unknown.
    r.tid,
    -- The event class, LTTng's name.
    c.name,
    -- What the system call returned, for the events that end one; NULL for all others.
    r.ret
FROM store.all_rows AS r
INNER JOIN store.classes AS c ON r.code = c.code;
