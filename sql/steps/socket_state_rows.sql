-- The rows of `socket_states`: each change of a socket's state until the next.
-- fills: socket_states
CREATE VIEW socket_state_rows AS
WITH
changes AS (
    SELECT DISTINCT run_id, socket_id, ts, state, source FROM socket_changes
),

turns AS (
    SELECT
        c.*,
        LAG(c.state) OVER of_socket AS state_before
    FROM changes AS c
    WINDOW of_socket AS (
        PARTITION BY c.run_id, c.socket_id
        ORDER BY c.ts, c.source = 'close', c.source = 'proc', c.state
    )
),

kept AS (
    SELECT * FROM turns
    WHERE state IS DISTINCT FROM state_before
),

spans AS (
    SELECT
        k.run_id,
        k.socket_id,
        k.state,
        k.ts AS start_ts,
        LEAST(
            LEAD(k.ts) OVER (PARTITION BY k.run_id, k.socket_id ORDER BY k.ts), r.last_ts + 1
        ) AS end_ts,
        k.source
    FROM kept AS k
    INNER JOIN runs AS r ON k.run_id = r.run_id
    WHERE k.ts <= r.last_ts
)

SELECT
    -- The run.
    s.run_id,
    -- The socket: `sockets.socket_id`.
    s.socket_id,
    -- The state.
    s.state,
    -- From when on, ns since the Unix epoch.
    s.start_ts,
    -- Until when, ns since the Unix epoch.
    s.end_ts,
    -- How it is known.
    s.source,
    -- False where the tracer may have lost events meanwhile.
    NOT lost_anywhere(l.windows, s.start_ts, s.end_ts) AS certain
FROM spans AS s
LEFT JOIN run_losses AS l ON s.run_id = l.run_id
WHERE s.end_ts > s.start_ts
ORDER BY s.run_id, s.start_ts, s.socket_id;
