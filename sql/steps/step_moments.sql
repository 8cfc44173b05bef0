-- The moments of the steps' connections that are steps, and the facts that bear on them. What comes
-- more than once in a part of a story counts the first time.
-- staged: the steps read it while a batch is loaded
CREATE VIEW step_moments AS
WITH
keys AS (
    SELECT role, scene, code, UNNEST(keys) AS key, LEN(keys) = 1 AS is_single FROM step_patterns
),

moments AS (
    SELECT * FROM step_segment_moments
    UNION ALL BY NAME
    SELECT * FROM step_call_moments
    UNION ALL BY NAME
    SELECT * FROM step_facts
)

SELECT
    -- The run.
    m.run_id,
    -- The connection.
    m.connection_id,
    -- The end: `server` or `client`.
    m.role,
    -- The part of the story: `connect`, `send`, `receive` or `end`.
    m.scene,
    -- Which of the parts of that name.
    m.anchor,
    -- What happened, as `step_patterns.keys` names it.
    m.key,
    -- When, ns since the Unix epoch; NULL for a fact.
    m.ts,
    -- The event.
    m.event,
    -- The thread.
    m.tid,
    -- The cpu; NULL where not known.
    m.cpu_id,
    -- The descriptor.
    m.fd,
    -- What the call returned.
    m.ret,
    -- The name of the call's argument of note.
    m.argument,
    -- That argument.
    m.value,
    -- The program's path, for an exec.
    m.text,
    -- The buffer's address.
    m.skbaddr,
    -- The sequence number.
    m.seq,
    -- The acknowledgement number.
    m.ack_seq,
    -- The flags.
    m.flags,
    -- The payload's length in bytes.
    m.payload_len,
    -- The frame in the capture.
    m.frame,
    -- The payload's bytes of all that came of it in its part.
    m.bytes,
    -- How often it came in its part; NULL where that is to be counted.
    m.times,
    -- Which step it is: `step_patterns.code`; NULL for a fact.
    k.code,
    -- True where it can come once alone in its part.
    m.times IS NOT NULL AND k.is_single AS is_single
FROM moments AS m
LEFT JOIN keys AS k ON m.role = k.role AND m.scene = k.scene AND m.key = k.key;
