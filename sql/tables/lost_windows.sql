-- When the tracer may have lost events: one row wherever a CTF packet's count of discarded events
-- rises.
CREATE TABLE lost_windows (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The cpu whose events may be missing.
    cpu_id INTEGER,
    -- The end of the CTF packet before, ns since the Unix epoch.
    start_ts BIGINT NOT NULL,
    -- The end of the CTF packet that counted the loss, ns since the Unix epoch.
    end_ts BIGINT NOT NULL,
    -- How many events were discarded; 0 where nobody counted, as after damage to the trace.
    events BIGINT NOT NULL
);
