-- Every meaning of every descriptor that `fd_spans` follows to its origin, and those that were only
-- seen, in the statedump or a `/proc` snapshot.
-- staged: several steps read it while a batch is loaded
CREATE VIEW fd_meanings AS
WITH
-- What was seen of a descriptor where nothing tells how it came to be, as after a loss: it holds
-- from the first sighting on.
seen AS (
    SELECT
        k.run_id, k.pid, k.fd, k.kind, k.path, k.inode, MIN(k.source) AS source,
        MIN(k.ts) AS start_ts
    FROM fd_known AS k
    ANTI JOIN fd_spans AS s
        ON
            k.run_id = s.run_id
            AND k.pid = s.pid
            AND k.fd = s.fd
            AND k.until_ts >= s.start_ts
            AND (k.ts < s.end_ts OR s.end_ts IS NULL)
    GROUP BY ALL
),

breaks AS (
    SELECT s.run_id, s.pid, s.fd, s.fd AS last_fd, s.start_ts AS ts
    FROM fd_spans AS s
    SEMI JOIN seen AS k ON s.run_id = k.run_id AND s.pid = k.pid AND s.fd = k.fd
    UNION ALL
    SELECT run_id, pid, fd, fd AS last_fd, start_ts FROM seen
    UNION ALL
    SELECT e.run_id, f.pid, e.fd, e.last_fd, e.exit_ts
    FROM fd_ends AS e
    INNER JOIN file_tables AS f ON e.run_id = f.run_id AND e.table_id = f.table_id
    SEMI JOIN seen AS k ON e.run_id = k.run_id AND f.pid = k.pid
    UNION ALL
    SELECT run_id, pid, 0, 2147483647, end_ts
    FROM file_tables
    WHERE end_ts IS NOT NULL
),

all_spans AS (
    SELECT * FROM fd_spans
    UNION ALL BY NAME
    SELECT
        s.run_id,
        s.pid,
        s.fd,
        s.start_ts,
        MIN(b.ts) AS end_ts,
        s.kind,
        s.path,
        s.source AS opened_by,
        s.source,
        s.pid AS root_pid,
        s.fd AS root_fd,
        s.start_ts AS root_ts,
        s.source AS root_call
    FROM seen AS s
    LEFT JOIN breaks AS b
        ON
            s.run_id = b.run_id
            AND s.pid = b.pid
            AND s.fd BETWEEN b.fd AND b.last_fd
            AND b.ts > s.start_ts
    GROUP BY ALL
)

SELECT
    -- The run.
    run_id,
    -- The process.
    pid,
    -- The descriptor.
    fd,
    -- From when on it meant this, ns since the Unix epoch.
    start_ts,
    -- Until when, ns since the Unix epoch; NULL for the trace's end.
    end_ts,
    -- `socket`, `path`, `pipe`, `anon_inode` or `other`.
    kind,
    -- The path or name.
    path,
    -- The event that made it this process's: a call's name, `fork`, `statedump` or `proc`.
    opened_by,
    -- `statedump`, `syscall` or `proc`.
    source,
    -- The process in which it was first opened.
    root_pid,
    -- The descriptor as which it was first opened.
    root_fd,
    -- When it was first opened, ns since the Unix epoch.
    root_ts,
    -- The event that first opened it.
    root_call
FROM all_spans;
