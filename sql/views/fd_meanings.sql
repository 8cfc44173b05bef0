-- Every meaning of every descriptor that `fd_spans` follows to its origin, and those that were only
-- seen, in the statedump or a `/proc` snapshot.
CREATE MACRO fd_meanings(first_run, last_run) AS TABLE
WITH
spans AS MATERIALIZED (SELECT * FROM fd_spans(first_run, last_run)),

known AS MATERIALIZED (
    SELECT * FROM fd_known WHERE run_id BETWEEN first_run AND last_run
),

-- What was seen of a descriptor where nothing tells how it came to be, as after a loss: it holds
-- from the first sighting on.
seen AS (
    SELECT
        k.run_id, k.pid, k.fd, k.kind, k.path, k.inode, MIN(k.source) AS source,
        MIN(k.ts) AS start_ts
    FROM known AS k
    ANTI JOIN spans AS s
        ON
            k.run_id = s.run_id
            AND k.pid = s.pid
            AND k.fd = s.fd
            AND k.ts >= s.start_ts
            AND (k.ts < s.end_ts OR s.end_ts IS NULL)
    GROUP BY ALL
),

breaks AS (
    SELECT run_id, pid, fd, fd AS last_fd, start_ts AS ts FROM spans
    UNION ALL
    SELECT run_id, pid, fd, fd AS last_fd, start_ts FROM seen
    UNION ALL
    SELECT run_id, pid, fd, last_fd, exit_ts
    FROM fd_ends
    WHERE run_id BETWEEN first_run AND last_run
    UNION ALL
    SELECT run_id, pid, 0, 2147483647, ts
    FROM process_breaks
    WHERE what = 'exit' AND run_id BETWEEN first_run AND last_run
),

all_spans AS (
    SELECT * FROM spans
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
