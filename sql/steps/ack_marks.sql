-- What a side of a connection sent at its first device, and the ACKs that it received: where each
-- ends in the side's stream, or how far it covers it.
-- staged: the steps to `data_acks` read it while a batch is loaded
CREATE VIEW ack_marks AS
WITH
first_devices AS (
    SELECT run_id, connection_id, from_client, ARG_MIN(device, ts) AS device
    FROM connection_segments
    WHERE direction = 'queue' AND payload_len > 0 AND span > 0
    GROUP BY run_id, connection_id, from_client
),

marks AS (
    SELECT
        s.run_id, s.connection_id, s.from_client, s.ts, false AS is_ack, s.cpu_id, s.skbaddr, s.seq,
        s.payload_len, s.pos, s.pos + s.span AS end_pos, s.pos + s.span - (s.flags & 1) AS reach,
        NULL::UINTEGER AS ack_seq, s.repeated
    FROM connection_segments AS s
    INNER JOIN first_devices AS d
        ON
            s.run_id = d.run_id
            AND s.connection_id = d.connection_id
            AND s.from_client = d.from_client
            AND s.device = d.device
    WHERE s.direction = 'queue' AND s.span > 0
    UNION ALL
    SELECT
        run_id, connection_id, NOT from_client, ts, true, NULL, NULL, NULL, NULL, NULL, NULL,
        NULL, ack_seq, NULL
    FROM connection_segments
    WHERE direction = 'rx' AND flags & 20 = 16
),

-- An ACK's number is taken near the last that was sent.
near AS (
    SELECT
        *,
        LAST_VALUE(end_pos IGNORE NULLS) OVER earlier AS last_pos,
        MAX(end_pos) OVER earlier AS furthest_pos,
        MAX(CASE WHEN NOT is_ack THEN ts END) OVER earlier AS last_ts
    FROM marks
    WINDOW earlier AS (
        PARTITION BY run_id, connection_id, from_client ORDER BY ts, is_ack, pos
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
)

SELECT
    -- The run.
    run_id,
    -- The connection.
    connection_id,
    -- True for the client's stream.
    from_client,
    -- When it was queued, or the ACK received, ns since the Unix epoch.
    ts,
    -- True for an ACK.
    is_ack,
    -- The cpu on which it was queued; NULL for an ACK.
    cpu_id,
    -- The buffer's address; NULL for an ACK.
    skbaddr,
    -- The sequence number; NULL for an ACK.
    seq,
    -- The payload's length in bytes; NULL for an ACK.
    payload_len,
    -- The place in the stream that an ACK must reach to cover the last byte of payload, or that
    -- the ACK reaches.
    CASE
        WHEN is_ack
            THEN
            last_pos + (ack_seq - last_pos % 4294967296 + 6442450944) % 4294967296 - 2147483648
        ELSE reach
    END AS reach,
    -- True where any of its bytes was sent more than once: another segment there has it, or lies
    -- beyond it and came before.
    COALESCE(repeated OR pos < furthest_pos, false) AS retransmitted,
    -- When that side had sent a segment before, ns since the Unix epoch; NULL for none.
    last_ts
FROM near
WHERE NOT is_ack OR last_pos IS NOT NULL;
