-- Who was what, when: one row for each stretch of time in which a thread had one process and one
-- name; it holds for `[start_ts, end_ts)`.
CREATE TABLE threads (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The thread.
    tid INTEGER NOT NULL,
    -- The thread's process (its thread group); NULL where the trace does not say.
    pid INTEGER,
    -- The parent process; NULL where the trace does not say.
    ppid INTEGER,
    -- The thread's name at that time.
    comm VARCHAR,
    -- From when on the row holds, ns since the Unix epoch; the trace's first event where it began
    -- earlier.
    start_ts BIGINT NOT NULL,
    -- Until when the row holds, ns since the Unix epoch; just past the last event where it outlived
    -- the trace.
    end_ts BIGINT NOT NULL,
    -- What made the row known: `statedump`, `fork`, `exec`, `switch` or `context`.
    source VARCHAR NOT NULL
);
