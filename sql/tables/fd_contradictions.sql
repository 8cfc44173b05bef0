-- Where a snapshot of `/proc/PID/fd` contradicts what the events say of a descriptor. What the time
-- that a snapshot takes can explain, a loss of events, or a call that hands over descriptors unseen
-- is none.
CREATE TABLE fd_contradictions (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The process.
    pid INTEGER NOT NULL,
    -- The descriptor.
    fd INTEGER NOT NULL,
    -- When the snapshot was read, ns since the Unix epoch.
    ts BIGINT NOT NULL,
    -- What the events say: what it was and the event that opened it, or `closed`.
    events_say VARCHAR NOT NULL,
    -- What the snapshot says: the link's target, or `not there`.
    proc_says VARCHAR NOT NULL
);
