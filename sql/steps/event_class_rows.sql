-- The rows of `event_classes`.
-- fills: event_classes
CREATE VIEW event_class_rows AS
SELECT
    -- The run.
    e.run_id,
    -- The event class, LTTng's name.
    c.name,
    -- How many events.
    SUM(e.events)::BIGINT AS events
FROM (
    SELECT run_id, code, COUNT(*) AS events FROM store.all_rows GROUP BY run_id, code
) AS e
INNER JOIN store.classes AS c ON e.code = c.code
GROUP BY e.run_id, c.name
ORDER BY e.run_id, c.name;
