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
        PARTITION BY c.run_id, c.socket_id ORDER BY c.ts, c.source = 'close'
    )
),

kept AS (
    SELECT * FROM turns
    WHERE state IS DISTINCT FROM state_before
)

SELECT
    -- The run.
    k.run_id,
    -- The socket: `sockets.socket_id`.
    k.socket_id,
    -- The state.
    k.state,
    -- From when on, ns since the Unix epoch.
    k.ts AS start_ts,
    -- Until when, ns since the Unix epoch.
    LEAST(
        LEAD(k.ts) OVER (PARTITION BY k.run_id, k.socket_id ORDER BY k.ts), r.last_ts + 1
    ) AS end_ts,
    -- How it is known.
    k.source
FROM kept AS k
INNER JOIN runs AS r ON k.run_id = r.run_id
WHERE k.ts <= r.last_ts
ORDER BY k.run_id, k.ts, k.socket_id;
