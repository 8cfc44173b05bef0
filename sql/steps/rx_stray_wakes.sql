-- The wakes by a NET_RX softirq in no call of `waits` of which the trace does not tell that the
-- thread waited for nothing that the softirq received: its process holds a connection's socket, or
-- is not known where the trace shows no thread's waits or a call of this one's. Threads of the
-- kernel's are none, nor are those in a call that waits for something else. Where a loss cleared
-- the waking, nothing tells where the thread slept.
CREATE VIEW rx_stray_wakes AS
WITH
strays AS (
    SELECT w.run_id, w.cpu_id, w.softirq_ts, w.ts, w.tid
    FROM (
        SELECT run_id, waking_cpu AS cpu_id, softirq_ts, waking_ts AS ts, tid
        FROM wakes
        WHERE context = 'softirq' AND vec = 3
    ) AS w
    ANTI JOIN rx_waits AS s ON w.run_id = s.run_id AND w.tid = s.tid AND w.ts = s.waking_ts
),

holders AS (
    SELECT f.run_id, f.pid
    FROM fds AS f
    SEMI JOIN socket_connections AS s ON f.run_id = s.run_id AND f.socket_id = s.socket_id
    UNION
    SELECT f.run_id, f.pid
    FROM fds AS f
    SEMI JOIN listening_sockets AS s ON f.run_id = s.run_id AND f.socket_id = s.socket_id
),

waiting AS (
    SELECT DISTINCT run_id FROM waits
    WHERE kind IN ('select', 'poll', 'epoll')
),

calls AS (
    SELECT c.run_id, c.tid, COALESCE(c.entry_ts, 0) AS entry_ts, c.exit_ts, c.name, c.cleared
    FROM syscalls AS c
    SEMI JOIN strays AS w ON c.run_id = w.run_id AND c.tid = w.tid
),

hidden AS (
    SELECT w.run_id, w.cpu_id, w.ts
    FROM event.sched_waking AS w
    SEMI JOIN run_losses AS l ON w.run_id = l.run_id
    ANTI JOIN wakes AS k ON w.run_id = k.run_id AND w.tid = k.tid AND w.ts = k.waking_ts
)

SELECT
    -- The run.
    w.run_id,
    -- The cpu on which the thread was woken.
    w.cpu_id,
    -- When the softirq that woke it started, ns since the Unix epoch.
    w.softirq_ts,
    -- When it was woken, ns since the Unix epoch.
    w.ts AS waking_ts
FROM strays AS w
ASOF LEFT JOIN calls AS c ON w.run_id = c.run_id AND w.tid = c.tid AND w.ts >= c.entry_ts
LEFT JOIN threads AS t
    ON w.run_id = t.run_id AND w.tid = t.tid AND w.ts >= t.start_ts AND w.ts < t.end_ts
LEFT JOIN holders AS h ON w.run_id = h.run_id AND COALESCE(t.pid, w.tid) = h.pid
LEFT JOIN waiting AS k ON w.run_id = k.run_id
WHERE
    COALESCE(t.ppid <> 2, true)
    AND COALESCE(NOT REGEXP_MATCHES(t.comm, '^(kworker|ksoftirqd|migration)/'), true)
    AND (
        h.run_id IS NOT NULL
        OR (
            t.pid IS NULL
            AND (
                k.run_id IS NULL
                OR (c.entry_ts IS NOT NULL AND COALESCE(c.exit_ts >= w.ts, true))
            )
        )
    )
    AND NOT COALESCE(
        c.exit_ts >= w.ts
        AND NOT c.cleared
        AND c.name IN (
            'futex', 'nanosleep', 'clock_nanosleep', 'wait4', 'waitid', 'pause', 'rt_sigsuspend',
            'rt_sigtimedwait'
        ),
        false
    )
UNION ALL
SELECT h.run_id, h.cpu_id, s.ts AS softirq_ts, h.ts AS waking_ts
FROM hidden AS h
ASOF INNER JOIN softirq_pairs AS s
    ON h.run_id = s.run_id AND h.cpu_id = s.cpu_id AND h.ts > s.ts;
