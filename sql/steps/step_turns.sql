-- The calls around which the steps turn: those that accepted a connection, sent or received on it,
-- or learnt of its end, each with the wait and the input read that came before it in its thread,
-- after that thread's turn before.
-- staged: the steps read it while a batch is loaded
CREATE VIEW step_turns AS
WITH
calls AS (
    SELECT
        e.connection_id,
        e.role,
        CASE
            WHEN c.name IN ('accept', 'accept4') THEN 'connect'
            WHEN c.name NOT LIKE 'recv%' AND c.name NOT LIKE 'read%' THEN 'send'
            WHEN c.ret > 0 THEN 'receive'
            ELSE 'end'
        END AS scene,
        c.*
    FROM step_calls AS c
    INNER JOIN step_ends AS e
        ON
            c.run_id = e.run_id
            AND (
                (
                    c.socket_id = e.socket_id
                    AND c.name IN (
                        'read', 'readv', 'recvfrom', 'recvmsg', 'recvmmsg', 'write', 'writev',
                        'sendto', 'sendmsg', 'sendmmsg'
                    )
                )
            )
    -- What could not be done at once, or was interrupted, is no turn, nor is a read that has not
    -- returned.
    WHERE
        CASE
            WHEN c.ret IS NULL THEN c.name NOT LIKE 'recv%' AND c.name NOT LIKE 'read%'
            ELSE c.ret NOT IN (-11, -4) AND c.ret NOT BETWEEN -530 AND -512
        END
    UNION ALL
    SELECT e.connection_id, e.role, 'connect', c.*
    FROM step_calls AS c
    INNER JOIN step_ends AS e
        ON c.run_id = e.run_id AND c.tid = e.accept_tid AND c.entry_ts = e.accept_entry_ts
    WHERE c.name IN ('accept', 'accept4')
),

threads_of AS (SELECT DISTINCT run_id, tid FROM calls),

marks AS (
    SELECT
        run_id, tid, entry_ts, exit_ts, name, ret, fd, pid, comm, cpu_id, argument, value,
        'turn' AS what, connection_id, role, scene
    FROM calls
    UNION ALL
    SELECT
        run_id, tid, entry_ts, exit_ts, name, ret, fd, pid, comm, cpu_id, argument, value,
        'input', NULL, NULL, NULL
    FROM step_calls
    WHERE socket_id IS NULL
    UNION ALL
    SELECT
        w.run_id, w.tid, w.entry_ts, w.exit_ts, w.name, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        'wait', NULL, NULL, NULL
    FROM waits AS w
    SEMI JOIN threads_of AS t ON w.run_id = t.run_id AND w.tid = t.tid
    WHERE w.name LIKE '%select%' OR w.name LIKE '%poll%'
),

groups AS (
    SELECT
        *,
        COUNT(CASE WHEN what = 'turn' THEN 1 END) OVER (
            PARTITION BY run_id, tid ORDER BY entry_ts, what
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS turn
    FROM marks
)

SELECT
    -- The run.
    run_id,
    -- The connection.
    ANY_VALUE(connection_id) AS connection_id,
    -- The end: `server` or `client`.
    ANY_VALUE(role) AS role,
    -- `connect` (an accept), `send`, `receive`, or `end`: a read that gave nothing or an error.
    ANY_VALUE(scene) AS scene,
    -- The thread.
    tid,
    -- Its process.
    ANY_VALUE(pid) FILTER (WHERE what = 'turn') AS pid,
    -- Its name.
    ANY_VALUE(comm) FILTER (WHERE what = 'turn') AS comm,
    -- The call's name.
    ANY_VALUE(name) FILTER (WHERE what = 'turn') AS name,
    -- When it began, ns since the Unix epoch.
    MAX(entry_ts) FILTER (WHERE what = 'turn') AS entry_ts,
    -- When it returned; NULL where the trace does not show it.
    MAX(exit_ts) FILTER (WHERE what = 'turn') AS exit_ts,
    -- The cpu on which it began.
    MAX(cpu_id) FILTER (WHERE what = 'turn') AS cpu_id,
    -- The descriptor.
    MAX(fd) FILTER (WHERE what = 'turn') AS fd,
    -- What it returned.
    MAX(ret) FILTER (WHERE what = 'turn') AS ret,
    -- The name of the call's argument of note.
    ANY_VALUE(argument) FILTER (WHERE what = 'turn') AS argument,
    -- That argument.
    MAX(value) FILTER (WHERE what = 'turn') AS value,
    -- When the wait before it began, ns since the Unix epoch; 0 where that was before the trace,
    -- NULL for none.
    MAX(entry_ts) FILTER (WHERE what = 'wait') AS wait_ts,
    -- When that wait returned.
    MAX(exit_ts) FILTER (WHERE what = 'wait') AS return_ts,
    -- The waiting call's name.
    ARG_MAX(name, entry_ts) FILTER (WHERE what = 'wait') AS wait_name,
    -- When the last read of something else before it began; NULL for none.
    MAX(entry_ts) FILTER (WHERE what = 'input') AS input_ts,
    -- That read's name.
    ARG_MAX(name, entry_ts) FILTER (WHERE what = 'input') AS input_name,
    -- The descriptor that it read.
    ARG_MAX(fd, entry_ts) FILTER (WHERE what = 'input') AS input_fd,
    -- How many bytes it gave.
    ARG_MAX(ret, entry_ts) FILTER (WHERE what = 'input') AS input_bytes
FROM groups
GROUP BY run_id, tid, turn
HAVING BOOL_OR(what = 'turn');
