-- The steps that came, each the first time in its part of the story.
-- staged: the steps read it while a batch is loaded
CREATE VIEW step_found AS
SELECT
    -- The run.
    run_id,
    -- The connection.
    connection_id,
    -- Which of the parts of that name.
    anchor,
    -- When, ns since the Unix epoch; NULL for a fact.
    ts,
    -- The event.
    event,
    -- The thread.
    tid,
    -- The cpu; NULL where not known.
    cpu_id,
    -- The descriptor.
    fd,
    -- What the call returned.
    ret,
    -- The name of the call's argument of note.
    argument,
    -- That argument.
    value,
    -- The program's path, for an exec.
    text,
    -- The buffer's address.
    skbaddr,
    -- The sequence number.
    seq,
    -- The acknowledgement number.
    ack_seq,
    -- The flags.
    flags,
    -- The payload's length in bytes.
    payload_len,
    -- The frame in the capture.
    frame,
    -- The payload's bytes of all that came of it in its part.
    bytes,
    -- How often it came in its part.
    times,
    -- Which step: `step_patterns.code`.
    code
FROM step_moments
WHERE code IS NOT NULL AND is_single
UNION ALL
SELECT
    run_id, connection_id, anchor, ts, event, tid, cpu_id, fd, ret, argument,
    value, text, skbaddr, seq, ack_seq, flags, payload_len, frame, bytes,
    GREATEST(
        COUNT(*) OVER (PARTITION BY run_id, connection_id, anchor, code, key), COALESCE(times, 1)
    )::INTEGER AS times, code
FROM step_moments
WHERE code IS NOT NULL AND NOT is_single
WINDOW step_of AS (
    PARTITION BY run_id, connection_id, anchor, code ORDER BY ts
)
QUALIFY ROW_NUMBER() OVER step_of = 1;
