-- The story of one run, a row a step, each connection and end by itself:
-- `FROM experiment_steps(RUN_ID)`. It begins with the program's start and ends with its end; each
-- step tells the event that shows it and whether it came as expected, is missing or came out of
-- order. Which steps make a story is in `step_patterns`. A run that lacks the events that a story
-- is made of gives an error that names them.
-- requires: syscall_entry_*, net_if_receive_skb | net_dev_queue
CREATE MACRO experiment_steps(run) AS TABLE
WITH
told AS (SELECT * FROM story_steps WHERE run_id = run),

names AS (SELECT tid, comm, start_ts, end_ts FROM threads WHERE run_id = run),

asked AS (SELECT run::INTEGER AS run_id),

traced AS (
    SELECT
        run_id,
        BOOL_OR(name LIKE '%syscall\_entry\_%' ESCAPE '\') AS calls,
        BOOL_OR(name IN ('net_if_receive_skb', 'net_dev_queue')) AS segments
    FROM event_classes
    WHERE run_id = run
    GROUP BY run_id
),

messages AS (
    SELECT
        CASE
            WHEN r.run_id IS NULL THEN CONCAT_WS(' ', 'there is no run', k.run_id)
            WHEN c.calls AND c.segments THEN NULL
            ELSE
                'run ' || r.name || ' lacks events that its steps need: '
                || CONCAT_WS(
                    ', ',
                    CASE WHEN c.calls THEN NULL ELSE 'syscall_entry_*' END,
                    CASE WHEN c.segments THEN NULL ELSE 'net_if_receive_skb or net_dev_queue' END
                )
        END AS message
    FROM asked AS k
    LEFT JOIN runs AS r ON k.run_id = r.run_id
    LEFT JOIN traced AS c ON k.run_id = c.run_id
)

SELECT
    -- The connection.
    s.connection_id,
    -- Which end's story: `server` or `client`.
    p.role,
    -- The step's number in the story, from 1.
    ROW_NUMBER() OVER story AS number,
    -- The part of the story: `connect`, `send`, `receive` or `end`.
    p.scene AS part,
    -- The step's name.
    p.step,
    -- When it came, ns since the Unix epoch; NULL where it did not.
    CASE WHEN s.event IS NOT NULL THEN s.ts END AS ts,
    -- The time since the step before it, ns; NULL for the first, and where it did not come.
    CASE WHEN s.event IS NOT NULL THEN s.ts - LAG(s.ts) OVER story END AS since,
    -- `expected`, `out of order`, `missing`, `may be lost` (the tracer lost events then), `before
    -- the trace`, `after the trace`, or `not shown` (the trace cannot tell).
    s.status,
    -- Why it is not as expected; NULL where it is.
    s.why,
    -- The event that shows it, LTTng's name; `packet` for the capture.
    s.event,
    -- The event's fields of note.
    NULLIF(
        CONCAT_WS(
            ', ',
            'fd = ' || s.fd,
            s.argument || ' = ' || s.value,
            'ret = ' || s.ret,
            'filename = ' || s.filename,
            'frame = ' || s.frame,
            'skbaddr = 0x' || LOWER(TO_HEX(s.skbaddr)),
            'seq = ' || s.seq,
            'ack_seq = ' || s.ack_seq,
            'tcp_flags = ' || s.flags,
            'payload_len = ' || s.payload_len
        ),
        ''
    ) AS fields,
    -- How often it came in this part of the story; the row is of the first.
    s.times,
    -- The payload's bytes of all of them; NULL for what is no segment.
    s.bytes,
    -- The thread: the one that acts or is woken, else the one that was current.
    s.tid,
    -- Its name.
    t.comm,
    -- The cpu.
    s.cpu_id,
    -- The segment's sequence number; NULL where the event shows none.
    s.seq,
    -- Its acknowledgement number.
    s.ack_seq,
    -- Its flags: 1 FIN, 2 SYN, 4 RST, 8 PSH, 16 ACK.
    s.flags,
    -- Its payload's length in bytes.
    s.payload_len
FROM told AS s
INNER JOIN step_patterns AS p ON s.code = p.code
LEFT JOIN names AS t ON s.tid = t.tid AND s.ts >= t.start_ts AND s.ts < t.end_ts
WINDOW story AS (PARTITION BY s.connection_id, p.role ORDER BY s.ts, s.code)
UNION ALL
SELECT
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL
FROM messages
WHERE CASE WHEN message IS NOT NULL THEN ERROR(message) ELSE false END
ORDER BY connection_id, role, number;
