-- What is known of each story that is no step of it and bears on which steps are to come: moments
-- that `step_patterns` names in its conditions alone.
-- staged: the steps read it while a batch is loaded
CREATE VIEW step_facts AS
WITH
-- Where nobody knows whose a call was, no connection can be said to lack it.
nameless AS (
    SELECT DISTINCT run_id FROM accepts WHERE saddr IS NULL
),

-- Whether the thread that accepted slept when the final ACK came.
accepting AS (
    SELECT e.run_id, e.connection_id, e.role, e.accept_tid AS tid, c.ack_ts
    FROM step_ends AS e
    INNER JOIN connections AS c ON e.run_id = c.run_id AND e.connection_id = c.connection_id
    WHERE e.accept_tid IS NOT NULL AND c.ack_ts IS NOT NULL
),

sleeping AS (
    SELECT *, LAG(what) OVER (PARTITION BY run_id, tid ORDER BY ts, what) AS what_before
    FROM (
        SELECT run_id, tid, ack_ts AS ts, 'ack' AS what, connection_id, role FROM accepting
        UNION ALL
        SELECT
            s.run_id, s.prev_tid, s.ts,
            CASE WHEN s.prev_state & 255 = 0 THEN 'runnable' ELSE 'asleep' END, NULL, NULL
        FROM event.sched_switch AS s
        SEMI JOIN accepting AS a ON s.run_id = a.run_id AND s.prev_tid = a.tid
        UNION ALL
        SELECT s.run_id, s.next_tid, s.ts, 'runs', NULL, NULL
        FROM event.sched_switch AS s
        SEMI JOIN accepting AS a ON s.run_id = a.run_id AND s.next_tid = a.tid
        UNION ALL
        SELECT s.run_id, s.tid, s.ts, 'woken', NULL, NULL
        FROM event.sched_waking AS s
        SEMI JOIN accepting AS a ON s.run_id = a.run_id AND s.tid = a.tid
    ) AS marks
),

first_rows AS (
    SELECT
        run_id, tid AS pid, ARG_MIN(source, start_ts) AS source, MIN(start_ts) AS start_ts
    FROM threads
    WHERE tid = COALESCE(pid, tid)
    GROUP BY run_id, tid
),

disconnects AS (
    SELECT DISTINCT run_id, connection_id
    FROM segments
    WHERE flags & 5 <> 0
),

-- The sockets that were still open at the end.
kept AS (
    SELECT DISTINCT f.run_id, f.socket_id
    FROM fds AS f
    INNER JOIN runs AS r ON f.run_id = r.run_id
    WHERE f.socket_id IS NOT NULL AND f.end_ts > r.last_ts
),

ends AS (
    SELECT
        e.*,
        r.last_ts,
        t.source = 'statedump' OR (t.source <> 'fork' AND t.start_ts <= r.first_ts)
            AS was_running,
        c.syn_ts IS NULL AND c.synack_ts IS NULL AS was_connected,
        n.run_id IS NOT NULL AS is_nameless,
        d.run_id IS NULL AS is_open,
        k.run_id IS NOT NULL AS is_kept
    FROM step_ends AS e
    INNER JOIN runs AS r ON e.run_id = r.run_id
    INNER JOIN connections AS c ON e.run_id = c.run_id AND e.connection_id = c.connection_id
    LEFT JOIN first_rows AS t ON e.run_id = t.run_id AND e.pid = t.pid
    LEFT JOIN nameless AS n ON e.run_id = n.run_id
    LEFT JOIN kept AS k ON e.run_id = k.run_id AND e.socket_id = k.socket_id
    LEFT JOIN disconnects AS d ON e.run_id = d.run_id AND e.connection_id = d.connection_id
),

later AS (
    SELECT run_id, connection_id, role, MAX(ts) AS ts
    FROM step_segments
    WHERE NOT comes AND payload_len > 0
    GROUP BY ALL
)

SELECT
    -- The run.
    e.run_id,
    -- The connection.
    e.connection_id,
    -- The end: `server` or `client`.
    e.role,
    -- The part of the story: `connect`, `send`, `receive` or `end`.
    f.scene,
    -- Which of the parts of that name; 0 for what holds of the whole story.
    0::BIGINT AS anchor,
    -- The fact.
    f.key
FROM ends AS e
CROSS JOIN LATERAL (
    VALUES
    ('connect', 'was running', e.was_running),
    ('connect', 'was open', e.source IN ('statedump', 'proc')),
    ('connect', 'was connected', e.was_connected),
    ('connect', 'is unknown', e.first_socket_id IS NULL),
    ('connect', 'is nameless', e.is_nameless AND e.socket_id IS NULL),
    ('end', 'is open', e.is_open),
    ('receive', 'is nobody', e.socket_id IS NULL),
    ('receive', 'is kept', e.is_kept)
) AS f (scene, key, holds)
WHERE f.holds
UNION ALL
SELECT run_id, connection_id, role, 'connect', 0, 'sleeps'
FROM sleeping
WHERE what = 'ack' AND what_before = 'asleep'
UNION ALL
-- What a call sent may leave with what a later one sent.
SELECT t.run_id, t.connection_id, t.role, 'send', t.entry_ts, 'goes later'
FROM step_turns AS t
INNER JOIN later AS l
    ON
        t.run_id = l.run_id
        AND t.connection_id = l.connection_id
        AND t.role = l.role
        AND t.entry_ts < l.ts
WHERE t.scene = 'send'
UNION ALL
SELECT run_id, connection_id, role, 'send', entry_ts, 'gives bytes'
FROM step_turns
WHERE scene = 'send' AND ret > 0;
