-- The moments of the steps that calls and processes show.
CREATE VIEW step_call_moments AS
WITH
-- Who forked, and passed the connection on.
heirs AS (
    SELECT
        e.run_id, e.connection_id, e.role, e.accept_tid, d.pid AS child, MIN(d.start_ts) AS fork_ts
    FROM step_ends AS e
    INNER JOIN fds AS d ON e.run_id = d.run_id AND e.socket_id = d.socket_id
    WHERE d.opened_by = 'fork' AND e.accept_ts IS NOT NULL
    GROUP BY ALL
),

-- The child that has the connection first from the thread that accepted it.
forks AS (
    SELECT h.run_id, h.connection_id, h.role, p.ts, p.parent_tid, p.child_pid, p.cpu_id
    FROM heirs AS h
    INNER JOIN event.sched_process_fork AS p
        ON h.run_id = p.run_id AND h.child = p.child_tid AND h.fork_ts = p.ts
    WHERE p.parent_tid = h.accept_tid
    QUALIFY ROW_NUMBER() OVER (PARTITION BY h.run_id, h.connection_id, h.role ORDER BY p.ts) = 1
),

-- The process whose calls the connection was served by, the last one where it was several.
users AS (
    SELECT
        run_id, connection_id, role, ARG_MAX(pid, entry_ts) AS pid, ARG_MAX(tid, entry_ts) AS tid,
        MAX(entry_ts) AS last_ts
    FROM step_turns
    GROUP BY ALL
),

-- A process that serves many connections ends with the last of them.
enders AS (
    SELECT *
    FROM users
    QUALIFY ROW_NUMBER() OVER (PARTITION BY run_id, pid ORDER BY last_ts DESC) = 1
),

exits AS (
    SELECT u.run_id, u.connection_id, u.role, s.name, s.entry_ts AS ts, s.tid, s.entry_cpu AS cpu_id
    FROM enders AS u
    INNER JOIN threads AS t ON u.run_id = t.run_id AND u.pid = COALESCE(t.pid, t.tid)
    INNER JOIN syscalls AS s ON t.run_id = s.run_id AND t.tid = s.tid
    WHERE
        s.name = 'exit_group'
        AND s.entry_ts >= t.start_ts
        AND s.entry_ts < t.end_ts
        AND s.entry_ts >= u.last_ts
),

deaths AS (
    SELECT u.run_id, u.connection_id, u.role, MAX(x.ts) AS ts, u.pid AS tid,
        ARG_MAX(x.cpu_id, x.ts) AS cpu_id
    FROM enders AS u
    INNER JOIN event.sched_process_exit AS x
        ON u.run_id = x.run_id AND u.pid = x.tid AND x.ts >= u.last_ts
    GROUP BY u.run_id, u.connection_id, u.role, u.pid
),

-- A client's wait for the answer to its SYN, where its connect did not wait itself.
connects AS (
    SELECT e.run_id, e.connection_id, e.role, c.tid, c.name, c.entry_ts, c.exit_ts, c.ret, c.fd,
        c.cpu_id
    FROM step_ends AS e
    INNER JOIN step_calls AS c ON e.run_id = c.run_id AND e.socket_id = c.socket_id
    WHERE e.role = 'client' AND c.name = 'connect'
    QUALIFY
        ROW_NUMBER() OVER (PARTITION BY e.run_id, e.connection_id, e.role ORDER BY c.entry_ts) = 1
),

waits_after AS (
    SELECT *
    FROM (
        SELECT
            *,
            LEAD(CASE WHEN what = 'wait' THEN entry_ts END IGNORE NULLS) OVER in_thread AS wait_ts,
            LEAD(CASE WHEN what = 'wait' THEN exit_ts END IGNORE NULLS) OVER in_thread
                AS return_ts,
            LEAD(CASE WHEN what = 'wait' THEN name END IGNORE NULLS) OVER in_thread AS wait_name
        FROM (
            SELECT run_id, connection_id, role, tid, name, entry_ts, exit_ts, ret, 'connect' AS what
            FROM connects
            UNION ALL
            SELECT w.run_id, NULL, NULL, w.tid, w.name, w.entry_ts, w.exit_ts, NULL, 'wait'
            FROM waits AS w
            SEMI JOIN connects AS c ON w.run_id = c.run_id AND w.tid = c.tid
            WHERE (w.name LIKE '%select%' OR w.name LIKE '%poll%') AND w.exit_ts IS NOT NULL
        ) AS calls
        WINDOW in_thread AS (PARTITION BY run_id, tid ORDER BY entry_ts, what)
    ) AS with_waits
    WHERE what = 'connect'
)

SELECT
    -- The run.
    e.run_id,
    -- The connection.
    e.connection_id,
    -- The end: `server` or `client`.
    e.role,
    -- The part of the story: `connect`, `send`, `receive` or `end`.
    'connect' AS scene,
    -- Which of the parts of that name: when the call began around which it turns; 0 for the only
    -- one.
    0::BIGINT AS anchor,
    -- What happened, as `step_patterns.keys` names it.
    s.key,
    -- When, ns since the Unix epoch.
    s.ts,
    -- The event.
    s.event,
    -- The thread.
    s.tid,
    -- The cpu; NULL where not known.
    s.cpu_id,
    -- The descriptor.
    s.fd,
    -- What the call returned.
    s.ret,
    -- The name of the call's argument of note.
    s.argument,
    -- That argument.
    s.value,
    -- The program's path, for an exec.
    s.text
FROM step_setup AS s
INNER JOIN step_ends AS e
    ON s.run_id = e.run_id AND s.first_socket_id = e.first_socket_id AND s.role = e.role
UNION ALL
-- The wait before a turn, its return, the input, the turn's call.
SELECT
    t.run_id, t.connection_id, t.role, t.scene,
    CASE WHEN t.scene IN ('connect', 'end') THEN 0 ELSE t.entry_ts END,
    p.key, p.ts, p.event, t.tid, p.cpu_id, p.fd, p.ret, p.argument, p.value, NULL
FROM step_turns AS t
INNER JOIN step_ends AS e
    ON t.run_id = e.run_id AND t.connection_id = e.connection_id AND t.role = e.role
CROSS JOIN LATERAL (
    VALUES
    (
        'wait',
        -- A client's wait for its connection is no turn's; an accept that slept was the wait.
        CASE
            WHEN t.wait_ts < e.ack_ts AND t.role = 'client' THEN NULL
            WHEN t.wait_ts IS NOT NULL THEN NULLIF(t.wait_ts, 0)
            WHEN t.scene = 'connect' AND t.entry_ts < e.ack_ts THEN t.entry_ts
        END,
        'syscall_entry_' || COALESCE(t.wait_name, t.name), NULL::INTEGER,
        CASE WHEN t.wait_ts IS NULL THEN t.fd END::BIGINT, NULL::BIGINT, NULL, NULL::BIGINT
    ),
    (
        'return',
        CASE WHEN t.wait_ts >= e.ack_ts OR t.role = 'server' THEN t.return_ts END,
        'syscall_exit_' || t.wait_name, NULL, NULL, NULL, NULL, NULL
    ),
    (
        'input', CASE WHEN t.scene = 'send' AND t.input_ts > e.begun_ts THEN t.input_ts END,
        'syscall_entry_' || t.input_name, NULL, t.input_fd, t.input_bytes, NULL, NULL
    ),
    (
        CASE t.scene
            WHEN 'connect' THEN 'accept' WHEN 'end' THEN 'read end' WHEN 'receive' THEN 'read'
            ELSE 'send'
        END,
        CASE WHEN t.scene = 'send' THEN t.entry_ts ELSE COALESCE(t.exit_ts, t.entry_ts) END,
        CASE
            WHEN t.scene = 'send' OR t.exit_ts IS NULL THEN 'syscall_entry_'
            ELSE 'syscall_exit_'
        END || t.name, t.cpu_id, t.fd, t.ret, t.argument, t.value
    )
) AS p (key, ts, event, cpu_id, fd, ret, argument, value)
WHERE p.ts IS NOT NULL
UNION ALL
-- Calls on the connection's own socket that are no turns.
SELECT
    e.run_id, e.connection_id, e.role,
    CASE
        WHEN c.name IN ('close', 'shutdown') AND (f.ts IS NULL OR c.tid <> f.parent_tid) THEN 'end'
        ELSE 'connect'
    END,
    0,
    CASE
        WHEN c.name = 'close' AND c.tid = f.parent_tid THEN 'parent close'
        WHEN c.name = 'epoll_ctl' THEN CASE c.value WHEN 1 THEN 'data epoll add' ELSE 'epoll' END
        WHEN c.name IN ('close', 'shutdown') THEN c.name
        ELSE 'data ' || c.name
    END,
    c.entry_ts, 'syscall_entry_' || c.name, c.tid, c.cpu_id, c.fd, c.ret, c.argument, c.value, NULL
FROM step_ends AS e
INNER JOIN step_calls AS c ON e.run_id = c.run_id AND e.socket_id = c.socket_id
LEFT JOIN forks AS f
    ON e.run_id = f.run_id AND e.connection_id = f.connection_id AND e.role = f.role
WHERE
    c.name IN ('close', 'shutdown')
    OR (
        e.role = 'server' AND c.name IN ('fcntl', 'epoll_ctl', 'setsockopt')
    )
UNION ALL
SELECT
    e.run_id, e.connection_id, e.role, 'connect', 0,
    CASE WHEN c.tid = e.accept_tid THEN 'close listener' ELSE 'child close' END,
    c.entry_ts, 'syscall_entry_close', c.tid, c.cpu_id, c.fd, c.ret, NULL, NULL, NULL
FROM step_ends AS e
INNER JOIN step_calls AS c ON e.run_id = c.run_id AND e.listener_id = c.socket_id
LEFT JOIN heirs AS h
    ON
        e.run_id = h.run_id
        AND e.connection_id = h.connection_id
        AND e.role = h.role
        AND c.pid = h.child
WHERE
    c.name = 'close'
    AND c.entry_ts > e.accept_ts
    AND (c.tid = e.accept_tid OR h.child IS NOT NULL)
UNION ALL
SELECT
    run_id, connection_id, role, 'connect', 0, 'fork', ts, 'sched_process_fork', parent_tid, cpu_id,
    NULL, child_pid, NULL, NULL, NULL
FROM forks
UNION ALL
SELECT
    w.run_id, w.connection_id, w.role, 'connect', 0, p.key, p.ts, p.event, w.tid, NULL, NULL,
    p.ret, NULL, NULL, NULL
FROM waits_after AS w
CROSS JOIN LATERAL (
    VALUES
    (
        'wait', CASE WHEN w.ret = -115 THEN w.wait_ts END, 'syscall_entry_' || w.wait_name,
        NULL::BIGINT
    ),
    (
        'return', CASE WHEN w.ret = -115 THEN w.return_ts END, 'syscall_exit_' || w.wait_name,
        NULL
    ),
    ('connect return', w.exit_ts, 'syscall_exit_connect', w.ret)
) AS p (key, ts, event, ret)
WHERE p.ts IS NOT NULL
UNION ALL
SELECT
    run_id, connection_id, role, 'end', 0, 'exit', ts, 'syscall_entry_' || name, tid, cpu_id, NULL,
    NULL, NULL, NULL, NULL
FROM exits
UNION ALL
SELECT
    run_id, connection_id, role, 'end', 0, 'death', ts, 'sched_process_exit', tid, cpu_id, NULL,
    NULL, NULL, NULL, NULL
FROM deaths;
