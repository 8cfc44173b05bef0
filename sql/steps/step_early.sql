-- The steps that came before one of the same part that they follow.
CREATE VIEW step_early AS
WITH
named AS (SELECT role, scene, code, UNNEST(follows) AS step FROM step_patterns),

follows AS (
    SELECT p.code, o.code AS other_code, o.step AS other
    FROM named AS p
    INNER JOIN step_patterns AS o ON p.role = o.role AND p.scene = o.scene AND p.step = o.step
)

-- A capture may tell times to the microsecond alone.
SELECT
    -- The run.
    f.run_id,
    -- The connection.
    f.connection_id,
    -- Which of the parts of its name.
    f.anchor,
    -- Which step: `step_patterns.code`.
    f.code,
    -- The steps that it came before, their names.
    STRING_AGG(w.other, ', ' ORDER BY w.other_code) AS came_before
FROM step_found AS f
INNER JOIN follows AS w ON f.code = w.code
INNER JOIN step_found AS o
    ON
        f.run_id = o.run_id
        AND f.connection_id = o.connection_id
        AND f.anchor = o.anchor
        AND w.other_code = o.code
        AND f.ts + CASE WHEN 'packet' IN (f.event, o.event) THEN 999 ELSE 0 END < o.ts
GROUP BY f.run_id, f.connection_id, f.anchor, f.code;
