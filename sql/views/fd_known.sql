-- What was seen of descriptors at one time: the statedump at the trace's start, and the `/proc`
-- snapshots.
-- staged: several steps read it while a batch is loaded
CREATE VIEW fd_known AS
WITH
tables AS (
    SELECT DISTINCT run_id, pid, file_table_address
    FROM event.lttng_statedump_process_state
),

seen AS (
    SELECT d.run_id, d.ts, COALESCE(t.pid, d.pid) AS pid, d.fd, d.filename, 'statedump' AS source
    FROM event.lttng_statedump_file_descriptor AS d
    LEFT JOIN tables AS t
        ON d.run_id = t.run_id AND d.file_table_address = t.file_table_address
    UNION ALL
    SELECT run_id, ts, pid, fd, target, 'proc'
    FROM proc_fds
    WHERE ts IS NOT NULL
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
