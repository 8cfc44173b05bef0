-- Which runs can answer what: a row for each loaded run and each view, metric or macro that says
-- which event classes it needs, with those that the run lacks.
CREATE VIEW view_availability AS
WITH
names AS (SELECT DISTINCT name FROM event_classes),

groups AS (
    SELECT q.name, q.place, q.classes, UNNEST(q.classes) AS class FROM store.requirements AS q
),

wanted AS (
    SELECT DISTINCT g.name, g.place, n.name AS class
    FROM groups AS g
    INNER JOIN names AS n ON n.name GLOB g.class
),

met AS (
    SELECT DISTINCT e.run_id, w.name, w.place
    FROM event_classes AS e
    INNER JOIN wanted AS w ON e.name = w.class
)

SELECT
    -- The run.
    r.run_id,
    -- The view, metric or macro.
    q.name,
    -- True where the run has what it needs.
    COUNT(m.run_id) = COUNT(*) AS is_available,
    -- The event classes that the run lacks, `or` between those of which one would do; NULL for
    -- none.
    STRING_AGG(
        CASE WHEN m.run_id IS NULL THEN ARRAY_TO_STRING(q.classes, ' or ') END, ', '
        ORDER BY q.place
    ) AS missing
FROM runs AS r
CROSS JOIN store.requirements AS q
LEFT JOIN met AS m ON r.run_id = m.run_id AND q.name = m.name AND q.place = m.place
WHERE r.status <> 'failed'
GROUP BY r.run_id, q.name;
