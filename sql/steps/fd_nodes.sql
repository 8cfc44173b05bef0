-- Every meaning that a descriptor got in a file table by a call, or had when the trace began, each
-- with a number of its own.
-- staged: several steps read it while a batch is loaded
CREATE VIEW fd_nodes AS
WITH
known AS (
    SELECT k.*, COALESCE(f.table_id, k.pid) AS table_id
    FROM fd_known AS k
    LEFT JOIN file_tables AS f
        ON k.run_id = f.run_id AND k.pid = f.pid AND f.start_ts <= k.ts AND f.next_ts > k.ts
    WHERE f.from_table IS NULL
),

first_marks AS (
    SELECT run_id, table_id, fd, MIN(ts) AS ts
    FROM (
        SELECT run_id, table_id, fd, ts FROM fd_opens
        UNION ALL
        SELECT run_id, table_id, fd, ts FROM fd_ends WHERE fd = last_fd
    ) AS marks
    GROUP BY ALL
),

nodes AS (
    SELECT
        run_id, table_id, pid, fd, ts, entry_ts, name AS opened_by, 'syscall' AS source, kind, path,
        from_fd, cloexec
    FROM fd_opens
    UNION ALL
    -- Open since before the trace, as nothing earlier tells where it came from.
    SELECT
        k.run_id, k.table_id, k.pid, k.fd, r.first_ts, NULL, k.source AS opened_by, k.source,
        k.kind, k.path, NULL, false
    FROM known AS k
    INNER JOIN runs AS r ON k.run_id = r.run_id
    LEFT JOIN first_marks AS m
        ON k.run_id = m.run_id AND k.table_id = m.table_id AND k.fd = m.fd
    WHERE m.ts IS NULL OR k.ts < m.ts
    QUALIFY
        ROW_NUMBER() OVER (
            PARTITION BY k.run_id, k.table_id, k.fd ORDER BY k.source = 'proc', k.ts
        ) = 1
)

SELECT
    -- The run.
    run_id,
    -- The meaning's number.
    ROW_NUMBER() OVER () AS node_id,
    -- The file table.
    table_id,
    -- The process.
    pid,
    -- The descriptor.
    fd,
    -- From when on it meant this, ns since the Unix epoch.
    ts,
    -- When the call that made it began, ns since the Unix epoch; NULL where the trace does not show
    -- it.
    entry_ts,
    -- The event that opened it: a call's name, `statedump` or `proc`.
    opened_by,
    -- `statedump`, `syscall` or `proc`.
    source,
    -- `socket`, `path`, `pipe`, `anon_inode` or `other`; NULL for a copy.
    kind,
    -- The path or name.
    path,
    -- The descriptor that this one is a copy of; NULL for none.
    from_fd,
    -- True where exec closes it, unless a later call says otherwise.
    cloexec
FROM nodes;
