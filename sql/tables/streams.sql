-- One row a CTF data stream: how many events each held, so that a load can be checked against the
-- trace.
CREATE TABLE streams (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The stream's own name in the trace.
    stream VARCHAR NOT NULL,
    -- The stream's cpu.
    cpu_id INTEGER,
    -- How many events the stream held.
    events BIGINT NOT NULL
);
