-- The segments of note of each part of each story, grouped by what they are: the first of each
-- kind, when each point of theirs was first seen, how many there were.
CREATE VIEW step_segment_parts AS
WITH
-- What is sent belongs to the call before it, what comes to the first read that returned after it.
marks AS (
    SELECT *, 'segment' AS what, NULL AS anchor, NULL AS call_exit_ts, NULL AS call_name
    FROM step_segments
    UNION ALL BY NAME
    SELECT
        run_id, connection_id, role,
        CASE WHEN scene = 'send' THEN entry_ts ELSE COALESCE(exit_ts, entry_ts) END AS ts,
        scene AS what, entry_ts AS anchor, exit_ts AS call_exit_ts, name AS call_name
    FROM step_turns
    WHERE scene IN ('send', 'receive') AND ret > 0
),

placed AS (
    SELECT
        *,
        MAX(CASE WHEN what = 'send' THEN anchor END) OVER so_far AS send_anchor,
        FIRST_VALUE(CASE WHEN what = 'receive' THEN anchor END IGNORE NULLS) OVER still
            AS read_anchor,
        FIRST_VALUE(CASE WHEN what = 'receive' THEN call_exit_ts END IGNORE NULLS) OVER still
            AS read_exit_ts,
        FIRST_VALUE(CASE WHEN what = 'receive' THEN call_name END IGNORE NULLS) OVER still
            AS read_name
    FROM marks
    WINDOW
        so_far AS (
            PARTITION BY run_id, connection_id, role ORDER BY ts, what DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ),
        still AS (
            PARTITION BY run_id, connection_id, role ORDER BY ts, what DESC
            ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        )
),

segments_placed AS (SELECT * FROM placed WHERE what = 'segment'),

-- The first segment that acknowledges a call's last byte.
acks AS (
    SELECT
        *,
        MIN(ack_ts) OVER (
            PARTITION BY run_id, connection_id, role ORDER BY number DESC, ack_ts NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS first_ack_ts
    FROM (
        SELECT
            run_id, connection_id, role, MAX(end_seq) AS number, send_anchor,
            NULL::BIGINT AS ack_ts
        FROM segments_placed
        WHERE NOT comes AND payload_len > 0 AND send_anchor IS NOT NULL
        GROUP BY run_id, connection_id, role, send_anchor
        UNION ALL
        SELECT run_id, connection_id, role, acked, NULL, ts
        FROM segments_placed
        WHERE comes AND acked IS NOT NULL
    ) AS numbers
),

kinds AS (
    SELECT
        *, 'connect' AS scene, 0::BIGINT AS part,
        CASE WHEN is_final_ack THEN 'final ack' WHEN flags & 16 = 0 THEN 'syn' ELSE 'synack' END
            AS kind
    FROM segments_placed
    WHERE flags & 6 = 2 OR is_final_ack
    UNION ALL
    SELECT
        *, 'end', 0,
        CASE WHEN comes THEN 'peer ' ELSE 'own ' END
        || CASE WHEN flags & 4 = 0 THEN 'fin' ELSE 'rst' END
    FROM segments_placed
    WHERE flags & 5 <> 0
    UNION ALL
    SELECT
        *, CASE WHEN comes THEN 'receive' ELSE 'send' END,
        CASE WHEN comes THEN COALESCE(read_anchor, ts) ELSE send_anchor END, 'data'
    FROM segments_placed
    WHERE payload_len > 0 AND flags & 6 = 0 AND NOT retransmission
    UNION ALL
    SELECT s.*, 'send', a.send_anchor, 'ack'
    FROM acks AS a
    INNER JOIN segments_placed AS s
        ON
            a.run_id = s.run_id
            AND a.connection_id = s.connection_id
            AND a.role = s.role
            AND a.first_ack_ts = s.ts
    WHERE a.send_anchor IS NOT NULL AND s.comes
)

SELECT
    -- The run.
    run_id,
    -- The connection.
    connection_id,
    -- The end: `server` or `client`.
    role,
    -- The part of the story: `connect`, `send`, `receive` or `end`.
    scene,
    -- Which of the parts of that name.
    part AS anchor,
    -- `syn`, `synack`, `final ack`, `data`, `ack`, `own fin`, `own rst`, `peer fin` or `peer rst`.
    kind,
    -- True where the segment came, false where it left.
    comes,
    -- When the first was received or queued, ns since the Unix epoch.
    MIN(ts) AS ts,
    -- The first one's cpu.
    ARG_MIN(cpu_id, ts) AS cpu_id,
    -- The thread that was current there.
    ARG_MIN(ctx_tid, ts) AS ctx_tid,
    -- Its buffer's address.
    ARG_MIN(skbaddr, ts) AS skbaddr,
    -- Its sequence number.
    ARG_MIN(seq, ts) AS seq,
    -- Its acknowledgement number.
    ARG_MIN(ack_seq, ts) AS ack_seq,
    -- Its flags.
    ARG_MIN(flags, ts) AS flags,
    -- Its payload's length in bytes.
    ARG_MIN(payload_len, ts) AS payload_len,
    -- How many segments.
    COUNT(*)::INTEGER AS times,
    -- The payload's bytes of all of them.
    SUM(payload_len)::BIGINT AS bytes,
    -- True where nothing may be lost of what they brought.
    BOOL_AND(rx_certain) AS rx_certain,
    -- True where the trace tells that none of them woke a thread that waited.
    BOOL_AND(wakes_nobody) AS wakes_nobody,
    -- When the first interrupt that brought one began, ns since the Unix epoch.
    MIN(irq_ts) AS irq_ts,
    -- When the first softirq did.
    MIN(softirq_ts) AS softirq_ts,
    -- When the stack first answered by itself.
    MIN(answer_ts) AS answer_ts,
    -- When a thread that waited was first woken.
    MIN(waking_ts) AS waking_ts,
    -- That thread.
    ARG_MIN(waiter_tid, waking_ts) AS waiter_tid,
    -- When it came to a cpu.
    ARG_MIN(in_ts, waking_ts) AS in_ts,
    -- When the reading call began, where that itself was the wait.
    MIN(CASE WHEN kind = 'data' AND return_ts = read_exit_ts THEN read_anchor END) AS block_ts,
    -- The reading call's name.
    ANY_VALUE(read_name) AS block_name,
    -- When one was first captured.
    MIN(capture_ts) AS capture_ts,
    -- In which frame.
    ARG_MIN(frame, capture_ts) AS frame,
    -- When a driver first took one.
    MIN(xmit_ts) AS xmit_ts
FROM kinds
WHERE part IS NOT NULL
GROUP BY run_id, connection_id, role, scene, part, kind, comes;
