-- Every kernel event of every run, one narrow row each, in time order within its run; the event's
-- own fields are in the table `event.<name>`.
CREATE TABLE events (
    -- The run.
    run_id INTEGER NOT NULL,
    -- When the event happened, ns since the Unix epoch.
    ts BIGINT NOT NULL,
    -- The cpu on which it happened; NULL where the trace does not say.
    cpu_id INTEGER,
    -- The thread that was current on that cpu: from the trace's contexts, else from `sched_switch`;
    -- NULL where unknown.
    tid INTEGER,
    -- The event class, LTTng's name.
    name VARCHAR NOT NULL,
    -- What the system call returned, for the events that end one; NULL for all others.
    ret BIGINT
);
