-- When the trace shows that a file of `/proc` was read that snapshots copy: a descriptor's link, a
-- process's list of descriptors, the tables of sockets. A snapshot's own time is when it began.
-- staged: several steps read it while a batch is loaded
CREATE VIEW proc_reads AS
WITH
snapshots AS (
    SELECT
        run_id, ts,
        LEAD(ts, 1, 9223372036854775807) OVER (PARTITION BY run_id ORDER BY ts) AS next_ts
    FROM (
        SELECT run_id, ts FROM proc_fds WHERE ts IS NOT NULL
        UNION
        SELECT run_id, ts FROM proc_tcp WHERE ts IS NOT NULL
    ) AS stages
),

calls AS (
    SELECT run_id, ts, path FROM event.syscall_entry_readlink WHERE STARTS_WITH(path, '/proc/')
    UNION ALL
    SELECT run_id, ts, pathname FROM event.syscall_entry_readlinkat
    WHERE STARTS_WITH(pathname, '/proc/')
    UNION ALL
    SELECT run_id, ts, RTRIM(path, '/') FROM fd_paths
    WHERE STARTS_WITH(path, '/proc/') AND REGEXP_MATCHES(path, '(/fd/?|/net/tcp6?)$')
)

SELECT
    -- The run.
    s.run_id,
    -- The snapshot's time, ns since the Unix epoch.
    s.ts,
    -- The file, below `/proc/`; `net/tcp` whichever process's.
    COALESCE(NULLIF(REGEXP_EXTRACT(c.path, 'net/tcp6?$'), ''), SUBSTR(c.path, 7)) AS file,
    -- When it was read first from then on, before the next snapshot, ns since the Unix epoch.
    MIN(c.ts) AS read_ts,
    -- The next snapshot's time, ns since the Unix epoch; the greatest number for
    -- none.
    ANY_VALUE(s.next_ts) AS next_ts
FROM snapshots AS s
LEFT JOIN calls AS c ON s.run_id = c.run_id AND c.ts >= s.ts AND c.ts < s.next_ts
GROUP BY ALL;
