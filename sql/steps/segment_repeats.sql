-- The segments that share sequence numbers with another of the same sender at the same point of
-- sight: what was sent before is repeated. What only comes out of order, after a gap or late,
-- repeats nothing.
-- staged: several steps read it while a batch is loaded
CREATE VIEW segment_repeats AS
WITH
reached AS (
    SELECT
        *,
        MAX(pos + span) OVER (
            PARTITION BY run_id, connection_id, from_client, direction, device
            ORDER BY ts, pos, mark
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS end_before
    FROM segment_places
    WHERE span > 0
),

-- What lies beyond all before it is new. The rest is looked up among the segments of the same
-- 4 KiB of the stream.
doubtful AS (
    SELECT
        run_id, connection_id, from_client, direction, device, ts, pos, mark, span,
        UNNEST(GENERATE_SERIES(pos >> 12, (pos + span - 1) >> 12)) AS part
    FROM reached
    WHERE pos < end_before
),

parts AS (
    SELECT
        s.run_id, s.connection_id, s.from_client, s.direction, s.device, s.ts, s.pos, s.mark,
        s.span,
        UNNEST(GENERATE_SERIES(s.pos >> 12, (s.pos + s.span - 1) >> 12)) AS part
    FROM segment_places AS s
    SEMI JOIN doubtful AS d
        ON s.run_id = d.run_id AND s.connection_id = d.connection_id
    WHERE s.span > 0
),

shared AS (
    SELECT
        d.run_id, d.connection_id, d.from_client, d.direction, d.device,
        UNNEST([d.ts, p.ts]) AS ts, UNNEST([d.pos, p.pos]) AS pos,
        UNNEST([d.mark, p.mark]) AS mark, UNNEST([true, false]) AS is_later
    FROM doubtful AS d
    INNER JOIN parts AS p
        ON
            d.run_id = p.run_id
            AND d.connection_id = p.connection_id
            AND d.from_client = p.from_client
            AND d.direction = p.direction
            AND d.device = p.device
            AND d.part = p.part
            AND (p.ts, p.pos, p.mark) < (d.ts, d.pos, d.mark)
            AND p.pos < d.pos + d.span
            AND p.pos + p.span > d.pos
)

SELECT
    -- The run.
    run_id,
    -- The connection.
    connection_id,
    -- True where it goes from the client to the server.
    from_client,
    -- `rx`, `queue` or `capture`.
    direction,
    -- The network device; empty where not known.
    device,
    -- When it was seen, ns since the Unix epoch.
    ts,
    -- Where it stands in its sender's stream: `segment_places.pos`.
    pos,
    -- What tells it from another of the same time: `segment_places.mark`.
    mark,
    -- True where an earlier segment had any of its sequence numbers.
    BOOL_OR(is_later) AS repeats
FROM shared
GROUP BY run_id, connection_id, from_client, direction, device, ts, pos, mark;
