-- The runs that strayed from the story: each step that was to come and is missing, or came before
-- one that it follows. What the tracer may have lost, or the trace cannot show, is none.
CREATE VIEW experiment_deviations AS
SELECT
    -- The run.
    s.run_id,
    -- The run's name.
    r.name,
    -- The connection.
    s.connection_id,
    -- Which end's story: `server` or `client`.
    p.role,
    -- The part of the story: `connect`, `send`, `receive` or `end`.
    p.scene AS part,
    -- The step's name.
    p.step,
    -- `missing` or `out of order`.
    s.status,
    -- Why, in words.
    s.why,
    -- When it came, or was due, ns since the Unix epoch.
    s.ts
FROM story_steps AS s
INNER JOIN step_patterns AS p ON s.code = p.code
INNER JOIN runs AS r ON s.run_id = r.run_id
WHERE s.status IN ('missing', 'out of order');
