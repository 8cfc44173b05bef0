-- The steps that were to come and did not, each with when it was due, and what may excuse it.
CREATE VIEW step_missing AS
WITH
keys AS (SELECT role, scene, code, UNNEST(needs) AS key FROM step_patterns),

against AS (SELECT role, scene, code, UNNEST(unless) AS key FROM step_patterns),

due AS (
    SELECT m.run_id, m.connection_id, m.anchor, k.code
    FROM step_moments AS m
    INNER JOIN keys AS k ON m.role = k.role AND m.scene = k.scene AND m.key = k.key
    UNION
    SELECT e.run_id, e.connection_id, 0, k.code
    FROM step_ends AS e
    INNER JOIN keys AS k ON e.role = k.role AND k.key = '*'
),

lacking AS (
    SELECT d.*
    FROM due AS d
    ANTI JOIN step_moments AS f
        ON
            d.run_id = f.run_id
            AND d.connection_id = f.connection_id
            AND d.anchor = f.anchor
            AND d.code = f.code
),

refused AS (
    SELECT l.*
    FROM lacking AS l
    INNER JOIN against AS u ON l.code = u.code
    SEMI JOIN step_moments AS m
        ON
            l.run_id = m.run_id
            AND l.connection_id = m.connection_id
            AND l.anchor = m.anchor
            AND u.role = m.role
            AND u.scene = m.scene
            AND u.key = m.key
),

missing AS (
    SELECT * FROM lacking
    EXCEPT
    SELECT * FROM refused
),

-- Between which steps of its part it was to come.
bounds AS (
    SELECT
        m.run_id, m.connection_id, m.anchor, m.code,
        COALESCE(
            MAX(f.ts) FILTER (WHERE LIST_CONTAINS(p.follows, q.step)),
            MAX(f.ts) FILTER (WHERE f.code < m.code)
        ) AS from_ts,
        MIN(f.ts) FILTER (WHERE f.code > m.code) AS to_ts
    FROM missing AS m
    INNER JOIN step_patterns AS p ON m.code = p.code
    INNER JOIN step_moments AS f
        ON
            m.run_id = f.run_id
            AND m.connection_id = f.connection_id
            AND m.anchor = f.anchor
            AND m.code // 100 = f.code // 100
    INNER JOIN step_patterns AS q ON f.code = q.code
    GROUP BY ALL
),

excuses AS (
    SELECT p.code, p.place, x.*
    FROM (
        SELECT code, UNNEST(excuses) AS fact, GENERATE_SUBSCRIPTS(excuses, 1) AS place
        FROM step_patterns
    ) AS p
    INNER JOIN step_excuses AS x ON p.fact = x.fact
),

excused AS (
    SELECT
        m.run_id, m.connection_id, m.anchor, m.code,
        ARG_MIN(x.status, x.place) AS status,
        ARG_MIN(x.why, x.place) AS why
    FROM missing AS m
    INNER JOIN excuses AS x ON m.code = x.code
    INNER JOIN step_facts AS f
        ON
            m.run_id = f.run_id
            AND m.connection_id = f.connection_id
            AND x.fact = f.key
            AND CASE WHEN x.of_part THEN m.anchor ELSE 0 END = f.anchor
    GROUP BY ALL
)

SELECT
    -- The run.
    m.run_id,
    -- The connection.
    m.connection_id,
    -- The end: `server` or `client`.
    p.role,
    -- The part of the story.
    p.scene,
    -- Which of the parts of that name.
    m.anchor,
    -- Which step: `step_patterns.code`.
    m.code,
    -- When the steps before it had come, ns since the Unix epoch; NULL for none.
    b.from_ts,
    -- When the next one after it came; NULL for none.
    CASE WHEN COALESCE(b.to_ts >= b.from_ts, true) THEN b.to_ts END AS to_ts,
    -- The event classes without any of which it cannot be seen; NULL for none.
    p.classes,
    -- Why it is missing, where nothing better is known.
    p.lack,
    -- The status that a fact gives it; NULL for none.
    x.status AS excuse,
    -- That fact, in words.
    x.why AS excuse_why
FROM missing AS m
INNER JOIN step_patterns AS p ON m.code = p.code
LEFT JOIN bounds AS b
    ON
        m.run_id = b.run_id
        AND m.connection_id = b.connection_id
        AND m.anchor = b.anchor
        AND m.code = b.code
LEFT JOIN excused AS x
    ON
        m.run_id = x.run_id
        AND m.connection_id = x.connection_id
        AND m.anchor = x.anchor
        AND m.code = x.code;
