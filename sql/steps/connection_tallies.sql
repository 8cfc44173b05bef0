-- What each side of each connection sent, as the kernel's events and as the captures show it. On
-- one host a segment may be seen more than once, queued and received on loopback or at stacked
-- devices: what counts is the point of sight that saw most.
-- staged: several steps read it while a batch is loaded
CREATE VIEW connection_tallies AS
WITH
-- Where nothing came twice, all is new; elsewhere, in the order of the stream, what lies beyond all
-- before it.
fresh AS (
    SELECT
        s.*,
        MAX(s.pos + s.span) OVER (
            PARTITION BY s.run_id, s.connection_id, s.from_client, s.direction, s.device
            ORDER BY s.pos, s.ts
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS end_before
    FROM connection_segments AS s
    WHERE s.repeated
),

again AS (
    SELECT
        run_id, connection_id, from_client, direction, device,
        SUM(
            payload_len
            - GREATEST(
                0, pos + span - (flags & 1) - GREATEST(pos + (flags >> 1 & 1), end_before)
            )
        ) AS bytes
    FROM fresh
    WHERE end_before IS NOT NULL AND payload_len > 0
    GROUP BY ALL
),

sights AS (
    SELECT
        run_id,
        connection_id,
        from_client,
        direction,
        device,
        COUNT(*) AS n,
        SUM(payload_len) AS bytes,
        COUNT(CASE WHEN retransmission THEN 1 END) AS retransmissions
    FROM connection_segments
    GROUP BY ALL
),

best AS (
    SELECT
        s.run_id,
        s.connection_id,
        s.from_client,
        s.direction = 'capture' AS captured,
        ARG_MAX(
            STRUCT_PACK(
                n := s.n,
                bytes := COALESCE(s.bytes, 0),
                unique_bytes := COALESCE(s.bytes, 0) - COALESCE(a.bytes, 0),
                retransmissions := s.retransmissions
            ),
            s.n
        ) AS seen
    FROM sights AS s
    LEFT JOIN again AS a
        ON
            s.run_id = a.run_id
            AND s.connection_id = a.connection_id
            AND s.from_client = a.from_client
            AND s.direction = a.direction
            AND s.device = a.device
    GROUP BY ALL
)

SELECT
    -- The run.
    run_id,
    -- The connection.
    connection_id,
    -- True for what the client sent.
    from_client,
    -- True for what the capture shows, false for what the kernel's events show.
    captured,
    -- How many segments.
    seen.n,
    -- How many bytes of payload, retransmissions included.
    seen.bytes::BIGINT AS bytes,
    -- How many bytes of payload, each part of the stream once.
    seen.unique_bytes::BIGINT AS unique_bytes,
    -- How many segments repeat what was sent before.
    seen.retransmissions
FROM best;
