-- The rows of `fd_contradictions`: what `/proc` shows of a descriptor and at no time while it was
-- read agrees with the events, and what it does not show although it was open all that time.
-- fills: fd_contradictions
CREATE VIEW fd_contradiction_rows AS
WITH
shown AS (SELECT * FROM fd_known WHERE source = 'proc'),

-- What the events tell, by what cannot be mistaken: a socket and a pipe with their inodes, and all
-- else. What a path below these leads to, only `/proc` tells.
told AS (
    SELECT
        m.run_id,
        m.pid,
        m.fd,
        m.start_ts,
        COALESCE(m.end_ts, 9223372036854775807) AS end_ts,
        CASE WHEN m.kind IN ('socket', 'pipe') THEN m.kind ELSE 'other' END AS sort,
        TRY_CAST(REGEXP_EXTRACT(m.path, '^(socket|pipe):\[(\d+)\]$', 2) AS UBIGINT) AS inode,
        m.kind = 'path' AND REGEXP_MATCHES(m.path, '^/(dev|proc)/|^[^/]') AS is_open_question,
        CONCAT(
            COALESCE(m.path, m.kind),
            CASE WHEN m.opened_by <> m.source THEN ' by ' ELSE ' in the ' END, m.opened_by
        ) AS what
    FROM fd_meanings AS m
    SEMI JOIN shown AS k ON m.run_id = k.run_id AND m.pid = k.pid
    WHERE m.source <> 'proc'
),

-- Only a process whose calls are traced can be held against them.
traced AS (
    SELECT DISTINCT c.run_id, COALESCE(t.pid, c.tid) AS pid
    FROM (SELECT DISTINCT run_id, tid FROM syscalls) AS c
    LEFT JOIN threads AS t ON c.run_id = t.run_id AND c.tid = t.tid
),

-- Calls after which a process may have descriptors that no event names.
unseen AS (
    SELECT s.run_id, COALESCE(t.pid, s.tid) AS pid, MIN(s.exit_ts) AS ts
    FROM syscalls AS s
    LEFT JOIN threads AS t
        ON
            s.run_id = t.run_id
            AND s.tid = t.tid
            AND t.start_ts <= s.exit_ts
            AND t.end_ts > s.exit_ts
    WHERE
        s.name IN ('recvmsg', 'recvmmsg', 'io_uring_enter', 'pidfd_getfd', 'bpf', 'seccomp')
        OR s.name LIKE 'compat\_%' ESCAPE '\'
        OR (s.name = 'ioctl' AND s.ret > 2)
    GROUP BY ALL
),

compared AS (
    SELECT
        k.run_id,
        k.pid,
        k.fd,
        k.ts,
        k.until_ts,
        k.path AS proc_says,
        COALESCE(
            BOOL_OR(
                m.start_ts <= k.until_ts
                AND m.end_ts > k.ts
                AND (
                    m.is_open_question
                    OR (
                        m.sort = CASE WHEN k.kind IN ('socket', 'pipe') THEN k.kind ELSE 'other' END
                        AND COALESCE(m.inode = k.inode, true)
                    )
                )
            ),
            false
        ) AS agrees,
        -- The last that it meant, and whether it was still open.
        MAX(m.start_ts) FILTER (WHERE m.start_ts <= k.ts) AS since_ts,
        ARG_MAX(m.what, m.start_ts) FILTER (WHERE m.start_ts <= k.ts) AS what,
        ARG_MAX(m.end_ts, m.start_ts) FILTER (WHERE m.start_ts <= k.ts) AS end_ts
    FROM shown AS k
    LEFT JOIN told AS m ON k.run_id = m.run_id AND k.pid = m.pid AND k.fd = m.fd
    GROUP BY ALL
),

lists AS (
    SELECT run_id, pid, ts, MIN(read_ts) AS read_ts, MAX(until_ts) AS until_ts, LIST(fd) AS fds
    FROM (
        SELECT p.run_id, p.pid, p.fd, p.ts, k.ts AS read_ts, k.until_ts
        FROM proc_fds AS p
        INNER JOIN shown AS k
            ON p.run_id = k.run_id AND p.pid = k.pid AND p.fd = k.fd AND p.ts <= k.ts
        QUALIFY ROW_NUMBER() OVER (PARTITION BY p.run_id, p.pid, p.fd, p.ts ORDER BY k.ts) = 1
    ) AS listed
    GROUP BY run_id, pid, ts
),

found AS (
    SELECT
        c.run_id, c.pid, c.fd, c.ts, c.until_ts, c.since_ts,
        CASE WHEN c.end_ts > c.ts THEN c.what ELSE 'closed' END AS events_say, c.proc_says
    FROM compared AS c
    LEFT JOIN unseen AS u ON c.run_id = u.run_id AND c.pid = u.pid AND u.ts < c.until_ts
    WHERE NOT c.agrees AND c.since_ts IS NOT NULL AND (c.end_ts > c.ts OR u.ts IS NULL)
    UNION ALL
    SELECT l.run_id, l.pid, m.fd, l.read_ts, l.until_ts, m.start_ts, m.what, 'not there'
    FROM lists AS l
    INNER JOIN told AS m
        ON
            l.run_id = m.run_id
            AND l.pid = m.pid
            AND m.start_ts < l.ts
            AND m.end_ts > l.until_ts
            AND NOT LIST_CONTAINS(l.fds, m.fd)
)

SELECT
    -- The run.
    f.run_id,
    -- The process.
    f.pid,
    -- The descriptor.
    f.fd,
    -- When the snapshot was read, ns since the Unix epoch.
    f.ts,
    -- What the events say.
    f.events_say,
    -- What the snapshot says.
    f.proc_says
FROM found AS f
SEMI JOIN traced AS t ON f.run_id = t.run_id AND f.pid = t.pid
LEFT JOIN run_losses AS l ON f.run_id = l.run_id
WHERE NOT lost_anywhere(l.windows, f.since_ts, f.until_ts)
ORDER BY f.run_id, f.ts, f.pid, f.fd;
