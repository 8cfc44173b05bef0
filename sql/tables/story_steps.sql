-- The story of each connection that a run's host holds, one row a step, each with what shows it;
-- `experiment_steps` tells one run's. A step that was to come and did not has a row too.
CREATE TABLE story_steps (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The connection.
    connection_id BIGINT NOT NULL,
    -- Which step it is: `step_patterns.code` tells its name, its part, and whose story it is.
    code SMALLINT NOT NULL,
    -- `expected`; `out of order` where it came before one that it follows; `missing`; `may be lost`
    -- where the tracer lost events there; `before the trace` and `after the trace`; `not shown`
    -- where the trace cannot tell.
    status VARCHAR NOT NULL,
    -- Why it is not as expected; NULL where it is.
    why VARCHAR,
    -- When it came, ns since the Unix epoch; where it did not, when the step before it came.
    ts BIGINT NOT NULL,
    -- The event that shows it, LTTng's name; `packet` for the capture.
    event VARCHAR,
    -- The thread: the one that acts or is woken, else the one that was current.
    tid INTEGER,
    -- The cpu.
    cpu_id INTEGER,
    -- The event's descriptor.
    fd INTEGER,
    -- What the call returned; the child's pid for a fork.
    ret BIGINT,
    -- The name of the call's argument of note, such as `backlog` or `len`.
    argument VARCHAR,
    -- That argument.
    value BIGINT,
    -- The program's path, for an exec.
    filename VARCHAR,
    -- The buffer's address.
    skbaddr UBIGINT,
    -- The segment's sequence number.
    seq UINTEGER,
    -- Its acknowledgement number.
    ack_seq UINTEGER,
    -- Its flags: 1 FIN, 2 SYN, 4 RST, 8 PSH, 16 ACK.
    flags USMALLINT,
    -- Its payload's length in bytes.
    payload_len INTEGER,
    -- The frame in the capture.
    frame INTEGER,
    -- How often it came in this part of the story; the row is of the first.
    times INTEGER,
    -- The payload's bytes of all of them.
    bytes BIGINT
);
