-- What the processes did before and around the connections of the steps: exec, the first socket's
-- calls, forks that pass the connection on, closes, the end of the process.
CREATE VIEW step_setup AS
WITH
-- Once a socket, however many connections it gave.
firsts AS (
    SELECT DISTINCT run_id, first_socket_id, role, pid, start_ts, source
    FROM step_ends
    WHERE first_socket_id IS NOT NULL
),

execs AS (
    SELECT
        f.run_id, f.first_socket_id, f.role, 'exec' AS key, MAX(x.ts) AS ts,
        'sched_process_exec' AS event, f.pid AS tid, ARG_MAX(x.cpu_id, x.ts) AS cpu_id,
        NULL::BIGINT AS fd, NULL::BIGINT AS ret, NULL AS argument, NULL::BIGINT AS value,
        ARG_MAX(x.filename, x.ts) AS text
    FROM firsts AS f
    INNER JOIN event.sched_process_exec AS x
        ON f.run_id = x.run_id AND f.pid = x.tid AND x.ts <= f.start_ts
    WHERE f.source = 'syscall'
    GROUP BY ALL
),

sockets_made AS (
    SELECT
        f.run_id, f.first_socket_id, f.role, 'socket' AS key,
        COALESCE(c.entry_ts, c.exit_ts) AS ts,
        'syscall_' || CASE WHEN c.entry_ts IS NULL THEN 'exit' ELSE 'entry' END || '_socket'
            AS event,
        c.tid, NULL::INTEGER AS cpu_id, c.ret AS fd, c.ret, NULL AS argument,
        NULL::BIGINT AS value, NULL AS text
    FROM firsts AS f
    INNER JOIN fd_calls AS c
        ON
            f.run_id = c.run_id
            AND f.pid = c.pid
            AND f.start_ts = c.exit_ts
            AND c.name = 'socket'
),

known AS (
    SELECT
        *,
        MIN(CASE WHEN name = 'connect' THEN entry_ts END)
            OVER (PARTITION BY run_id, socket_id) AS connect_ts
    FROM step_calls
),

-- A client's own socket is set up until it connects; a listening one at any time.
set_up AS (
    SELECT
        f.run_id, f.first_socket_id, f.role,
        CASE
            WHEN c.name = 'epoll_ctl' THEN CASE c.value WHEN 1 THEN 'epoll add' ELSE 'epoll' END
            ELSE c.name
        END AS key,
        MIN(c.entry_ts) AS ts,
        'syscall_entry_' || c.name AS event,
        ARG_MIN(c.tid, c.entry_ts) AS tid,
        ARG_MIN(c.cpu_id, c.entry_ts) AS cpu_id,
        ARG_MIN(c.fd, c.entry_ts) AS fd,
        ARG_MIN(c.ret, c.entry_ts) AS ret,
        ARG_MIN(c.argument, c.entry_ts) AS argument,
        ARG_MIN(c.value, c.entry_ts) AS value,
        NULL AS text
    FROM firsts AS f
    INNER JOIN known AS c
        ON f.run_id = c.run_id AND f.first_socket_id = c.socket_id
    WHERE
        c.name IN ('setsockopt', 'bind', 'listen', 'fcntl', 'connect', 'epoll_ctl')
        AND (f.role = 'server' OR c.entry_ts <= c.connect_ts)
    GROUP BY f.run_id, f.first_socket_id, f.role, c.name, key
),

epolls AS (
    SELECT
        f.run_id, f.first_socket_id, f.role, 'epoll_create' AS key, MIN(d.start_ts) AS ts,
        'syscall_exit_' || ARG_MIN(d.opened_by, d.start_ts) AS event, f.pid AS tid,
        NULL::INTEGER AS cpu_id, ARG_MIN(d.fd, d.start_ts) AS fd,
        ARG_MIN(d.fd, d.start_ts) AS ret, NULL AS argument, NULL::BIGINT AS value, NULL AS text
    FROM set_up AS u
    INNER JOIN firsts AS f
        ON u.run_id = f.run_id AND u.first_socket_id = f.first_socket_id AND u.role = f.role
    INNER JOIN fds AS d
        ON u.run_id = d.run_id AND f.pid = d.pid AND d.start_ts <= u.ts AND d.end_ts > u.ts
    WHERE u.key = 'epoll add' AND d.opened_by LIKE 'epoll_create%'
    GROUP BY f.run_id, f.first_socket_id, f.role, f.pid
)

SELECT
    -- The run.
    run_id,
    -- The story's first socket.
    first_socket_id,
    -- The end: `server` or `client`.
    role,
    -- What it is: the call's name, `exec`, `epoll_create` or `epoll add`.
    key,
    -- When it began, ns since the Unix epoch.
    ts,
    -- The event.
    event,
    -- The thread.
    tid,
    -- The cpu; NULL where not known.
    cpu_id,
    -- The descriptor.
    fd,
    -- What the call returned.
    ret,
    -- The name of the call's argument of note.
    argument,
    -- That argument.
    value,
    -- The program's path, for an exec.
    text
FROM execs
UNION ALL
SELECT * FROM sockets_made
UNION ALL
SELECT * FROM set_up
UNION ALL
SELECT * FROM epolls;
