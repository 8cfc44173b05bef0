-- The calls on the sockets of the steps, by any process that holds them, and the reads that those
-- processes made of anything else: their input.
-- staged: the steps read it while a batch is loaded
CREATE VIEW step_calls AS
WITH
wanted AS (
    SELECT run_id, socket_id FROM step_ends WHERE socket_id IS NOT NULL
    UNION
    SELECT run_id, listener_id FROM step_ends WHERE listener_id IS NOT NULL
),

holders AS (
    SELECT DISTINCT f.run_id, f.pid
    FROM fds AS f
    SEMI JOIN wanted AS w ON f.run_id = w.run_id AND f.socket_id = w.socket_id
)

SELECT
    -- The run.
    c.run_id,
    -- The process.
    COALESCE(t.pid, c.tid) AS pid,
    -- The thread.
    c.tid,
    -- The thread's name.
    t.comm,
    -- The call's name.
    c.name,
    -- When it began, ns since the Unix epoch.
    c.entry_ts,
    -- When it returned, ns since the Unix epoch; NULL where the trace does not show it.
    s.exit_ts,
    -- The cpu on which it began.
    s.entry_cpu AS cpu_id,
    -- What it returned.
    s.ret,
    -- The descriptor.
    c.fd,
    -- The name of the argument of note.
    c.argument,
    -- That argument.
    c.value,
    -- The socket; NULL for what is none of the steps'.
    w.socket_id
FROM call_fds AS c
INNER JOIN syscalls AS s
    ON c.run_id = s.run_id AND c.tid = s.tid AND c.entry_ts = s.entry_ts AND c.name = s.name
LEFT JOIN threads AS t
    ON
        c.run_id = t.run_id
        AND c.tid = t.tid
        AND c.entry_ts >= t.start_ts
        AND c.entry_ts < t.end_ts
SEMI JOIN holders AS h ON c.run_id = h.run_id AND COALESCE(t.pid, c.tid) = h.pid
LEFT JOIN fds AS f
    ON
        c.run_id = f.run_id
        AND COALESCE(t.pid, c.tid) = f.pid
        AND c.fd = f.fd
        AND c.entry_ts >= f.start_ts
        AND c.entry_ts < f.end_ts
LEFT JOIN wanted AS w ON f.run_id = w.run_id AND f.socket_id = w.socket_id
WHERE
    NOT s.cleared
    AND (w.socket_id IS NOT NULL OR (c.name IN ('read', 'readv') AND s.ret > 0));
