-- The rows of `story_steps`: those that came and those that were to.
-- fills: story_steps
CREATE VIEW step_rows AS
WITH
wanted AS (SELECT UNNEST(classes) AS name FROM step_patterns),

classes AS (
    SELECT e.run_id, LIST(e.name) AS names
    FROM event_classes AS e
    SEMI JOIN wanted AS w ON e.name = w.name
    GROUP BY e.run_id
),

judged AS (
    SELECT
        m.*,
        r.first_ts,
        r.last_ts,
        CASE
            WHEN m.classes IS NULL THEN false
            WHEN m.classes = ['packet'] THEN true
            ELSE NOT LIST_HAS_ANY(COALESCE(k.names, []), m.classes)
        END AS is_untraced,
        lost_anywhere(
            l.windows, COALESCE(m.from_ts, r.first_ts), COALESCE(m.to_ts, r.last_ts + 1)
        ) AS is_lost,
        m.classes = ['packet'] AS is_packet,
        c.captured = 0 AS is_uncaptured
    FROM step_missing AS m
    INNER JOIN runs AS r ON m.run_id = r.run_id
    INNER JOIN connections AS c
        ON m.run_id = c.run_id AND m.connection_id = c.connection_id
    LEFT JOIN classes AS k ON m.run_id = k.run_id
    LEFT JOIN run_losses AS l ON m.run_id = l.run_id
),

listed AS (
    SELECT
        f.run_id, f.connection_id, f.code, f.ts,
        CASE WHEN e.came_before IS NULL THEN 'expected' ELSE 'out of order' END AS status,
        'it came before ' || e.came_before AS why,
        f.event, f.tid, f.cpu_id, f.fd, f.ret, f.argument, f.value, f.text, f.skbaddr, f.seq,
        f.ack_seq, f.flags, f.payload_len, f.frame, f.times, f.bytes
    FROM step_found AS f
    LEFT JOIN step_early AS e
        ON
            f.run_id = e.run_id
            AND f.connection_id = e.connection_id
            AND f.anchor = e.anchor
            AND f.code = e.code
    UNION ALL BY NAME
    SELECT
        run_id, connection_id, code,
        COALESCE(
            from_ts,
            CASE scene WHEN 'connect' THEN first_ts WHEN 'end' THEN last_ts ELSE anchor END
        ) AS ts,
        CASE
            WHEN is_untraced THEN 'not shown'
            WHEN is_lost THEN 'may be lost'
            ELSE COALESCE(excuse, 'missing')
        END AS status,
        CASE
            WHEN is_packet AND is_uncaptured THEN 'no capture shows the connection'
            WHEN is_packet THEN lack
            WHEN is_untraced THEN 'the trace has no ' || ARRAY_TO_STRING(classes, ' or ')
            WHEN is_lost THEN 'the tracer lost events then'
            ELSE COALESCE(excuse_why, lack)
        END AS why
    FROM judged
)

SELECT
    -- The run.
    l.run_id,
    -- The connection.
    l.connection_id,
    -- Which step it is: `step_patterns.code`.
    l.code,
    -- When it came, or was due.
    l.ts,
    -- Whether it came as expected.
    l.status,
    -- Why not.
    l.why,
    -- The event.
    l.event,
    -- The thread.
    l.tid,
    -- The cpu.
    l.cpu_id,
    -- The descriptor.
    l.fd,
    -- What the call returned.
    l.ret,
    -- The name of the call's argument of note.
    l.argument,
    -- That argument.
    l.value,
    -- The program's path.
    l.text AS filename,
    -- The buffer's address.
    l.skbaddr,
    -- The sequence number.
    l.seq,
    -- The acknowledgement number.
    l.ack_seq,
    -- The flags.
    l.flags,
    -- The payload's length in bytes.
    l.payload_len,
    -- The frame in the capture.
    l.frame,
    -- How often it came in this part of the story.
    l.times,
    -- The payload's bytes of all of them.
    l.bytes
FROM listed AS l
ORDER BY l.run_id, l.connection_id, l.code // 1000, l.ts, l.code;
