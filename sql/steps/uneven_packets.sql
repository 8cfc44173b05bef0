-- Which of the kernel's events alike a captured packet is of, where the capture has not as many as
-- the events: either may have missed some. A packet meets the first event that no packet before it
-- met and whose transmit had not ended before it, else the last event before it.
CREATE VIEW uneven_packets AS
WITH
seen AS (
    SELECT DISTINCT s.run_id, s.direction, s.key, c.last_ts - c.ts AS slack
    FROM segment_sights AS s
    INNER JOIN captured_segments AS c
        ON s.run_id = c.run_id AND s.key = c.key AND s.alike <> c.alike
),

-- In time: an event, a packet where the capture's resolution lets it stand at the latest, and where
-- an event's transmit has ended.
marks AS (
    SELECT s.run_id, s.direction, s.key, s.ts, 0 AS kind, NULL AS number, s.until_ts
    FROM segment_sights AS s
    SEMI JOIN seen AS u ON s.run_id = u.run_id AND s.direction = u.direction AND s.key = u.key
    UNION ALL
    SELECT c.run_id, u.direction, c.key, c.last_ts, 1, c.number, NULL
    FROM captured_segments AS c
    INNER JOIN seen AS u ON c.run_id = u.run_id AND c.key = u.key
    UNION ALL
    SELECT s.run_id, s.direction, s.key, s.until_ts + u.slack, 2, NULL, NULL
    FROM segment_sights AS s
    INNER JOIN seen AS u ON s.run_id = u.run_id AND s.direction = u.direction AND s.key = u.key
    WHERE s.until_ts IS NOT NULL
),

-- How many of each came so far. An event of which no transmit is known ends where the next begins.
counted AS (
    SELECT
        *,
        COUNT(CASE WHEN kind = 0 THEN 1 END) OVER so_far AS events,
        COUNT(CASE WHEN kind = 2 OR (kind = 0 AND until_ts IS NULL) THEN 1 END) OVER so_far
        - COALESCE(
            LAST_VALUE(
                CASE WHEN kind = 0 THEN (until_ts IS NULL)::INTEGER END IGNORE NULLS
            ) OVER so_far,
            0
        ) AS ended
    FROM marks
    WINDOW so_far AS (
        PARTITION BY run_id, direction, key ORDER BY ts, kind, number
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
),

-- Where all events but the last have ended, a packet can only be the last one's, whatever went
-- before.
periods AS (
    SELECT
        *,
        COUNT(CASE WHEN ended + 1 >= events THEN 1 END) OVER (
            PARTITION BY run_id, direction, key ORDER BY number
        ) AS period
    FROM counted
    WHERE kind = 1
),

met AS (
    SELECT
        *,
        GREATEST(
            1,
            LEAST(
                events,
                number + MAX(LEAST(ended + 1, events) - number) OVER (
                    PARTITION BY run_id, direction, key, period ORDER BY number
                )
            )
        ) AS event_number
    FROM periods
)

SELECT
    -- The run.
    run_id,
    -- `rx` or `queue`.
    direction,
    -- The hash of what must agree.
    key,
    -- Which of the packets alike it is.
    number,
    -- Which of the events alike it met.
    event_number,
    -- When the first packet that met that event was captured at the latest, ns since the epoch.
    MIN(ts) OVER (PARTITION BY run_id, direction, key, event_number) AS first_ts
FROM met;
