-- What was seen of descriptors at one time: the statedump at the trace's start, and the `/proc`
-- snapshots, these at the time at which the trace shows that they were read.
-- staged: several steps read it while a batch is loaded
CREATE VIEW fd_known AS
WITH
tables AS (
    SELECT run_id, file_table_address, MIN(pid) AS pid
    FROM event.lttng_statedump_process_state
    GROUP BY run_id, file_table_address
),

next_snapshots AS (SELECT DISTINCT run_id, ts, next_ts FROM proc_reads),

shown AS (
    SELECT
        p.run_id,
        p.pid,
        p.fd,
        p.target,
        COALESCE(r.read_ts, d.read_ts, p.ts) AS ts,
        CASE
            -- A link is read at once, a list's links one after the other.
            WHEN r.read_ts IS NOT NULL THEN r.read_ts + 10000000
            WHEN d.read_ts IS NOT NULL THEN d.read_ts + 1000000000
            ELSE LEAST(p.ts + 10000000000, n.next_ts)
        END AS until_ts
    FROM proc_fds AS p
    LEFT JOIN proc_reads AS r
        ON p.run_id = r.run_id AND p.ts = r.ts AND r.file = p.pid || '/fd/' || p.fd
    LEFT JOIN proc_reads AS d
        ON p.run_id = d.run_id AND p.ts = d.ts AND d.file = p.pid || '/fd'
    LEFT JOIN next_snapshots AS n
        ON p.run_id = n.run_id AND p.ts = n.ts
    WHERE p.ts IS NOT NULL
),

seen AS (
    SELECT
        d.run_id, d.ts, d.ts AS until_ts, COALESCE(t.pid, d.pid) AS pid, d.fd, d.filename,
        'statedump' AS source
    FROM event.lttng_statedump_file_descriptor AS d
    LEFT JOIN tables AS t
        ON d.run_id = t.run_id AND d.file_table_address = t.file_table_address
    UNION ALL
    SELECT run_id, ts, until_ts, pid, fd, target, 'proc'
    FROM shown
)

SELECT
    -- The run.
    run_id,
    -- The process.
    pid,
    -- The descriptor.
    fd,
    -- When it was seen, ns since the Unix epoch.
    ts,
    -- Until when it may have been seen, as nothing tells exactly, ns since the Unix epoch.
    until_ts,
    -- `socket`, `path`, `pipe`, `anon_inode` or `other`.
    CASE
        WHEN filename LIKE 'socket:[%' THEN 'socket'
        WHEN filename LIKE 'pipe:[%' THEN 'pipe'
        WHEN filename LIKE 'anon_inode:%' THEN 'anon_inode'
        WHEN STARTS_WITH(filename, '/') THEN 'path'
        ELSE 'other'
    END AS kind,
    -- Its name there: a path, or `socket:[INODE]`.
    filename AS path,
    -- The inode in that name.
    TRY_CAST(REGEXP_EXTRACT(filename, '^(socket|pipe):\[(\d+)\]$', 2) AS UBIGINT) AS inode,
    -- `statedump` or `proc`.
    source
FROM seen
WHERE pid IS NOT NULL;
