-- Every descriptor that a file table began with, as a copy of another: what it meant there, and
-- until when it is not closed, given anew, or left behind at exec.
-- staged: several steps read it while a batch is loaded
CREATE VIEW fd_inherited AS
WITH RECURSIVE
first_execs AS (SELECT run_id, table_id, MIN(ts) AS ts FROM table_execs GROUP BY ALL),

ranges AS (
    SELECT
        run_id, table_id,
        LIST(STRUCT_PACK(fd := fd, last_fd := last_fd, ts := exit_ts)) AS closed
    FROM fd_ends
    WHERE fd < last_fd
    GROUP BY ALL
),

copies AS MATERIALIZED (
    SELECT f.run_id, f.from_table, f.table_id, f.start_ts, e.ts AS exec_ts, r.closed
    FROM file_tables AS f
    LEFT JOIN first_execs AS e ON f.run_id = e.run_id AND f.table_id = e.table_id
    LEFT JOIN ranges AS r ON f.run_id = r.run_id AND f.table_id = r.table_id
    WHERE f.from_table IS NOT NULL
),

-- The first end of what a table began with: a close, which another thread's open may overtake, or
-- an open.
first_ends AS MATERIALIZED (
    SELECT
        run_id,
        table_id,
        fd,
        LEAST(
            ARG_MIN(until_ts, (ts, place)) FILTER (WHERE what IN ('open', 'close')),
            MIN(ts) FILTER (WHERE what = 'open')
        ) AS ts,
        BOOL_OR(what = 'exec' AND meant IS NULL AND NOT closes_at_exec) AS stays
    FROM fd_timeline
    GROUP BY run_id, table_id, fd
),

inherited AS (
    SELECT
        t.run_id,
        c.table_id,
        t.fd,
        t.meant AS node_id,
        t.closes_at_exec AS cloexec,
        c.start_ts,
        LEAST(
            e.ts,
            CASE WHEN t.closes_at_exec AND NOT COALESCE(e.stays, false) THEN c.exec_ts END,
            closed_within(c.closed, t.fd)
        ) AS end_ts
    FROM fd_timeline AS t
    INNER JOIN copies AS c ON t.run_id = c.run_id AND t.node_id = c.table_id
    LEFT JOIN first_ends AS e
        ON c.run_id = e.run_id AND c.table_id = e.table_id AND t.fd = e.fd
    WHERE t.what = 'copy' AND t.meant > 0
    UNION ALL
    SELECT
        i.run_id,
        c.table_id,
        i.fd,
        i.node_id,
        i.cloexec,
        c.start_ts,
        LEAST(
            e.ts,
            CASE WHEN i.cloexec AND NOT COALESCE(e.stays, false) THEN c.exec_ts END,
            closed_within(c.closed, i.fd)
        )
    FROM inherited AS i
    INNER JOIN copies AS c
        ON
            i.run_id = c.run_id
            AND i.table_id = c.from_table
            AND (i.end_ts > c.start_ts OR i.end_ts IS NULL)
    LEFT JOIN first_ends AS e
        ON c.run_id = e.run_id AND c.table_id = e.table_id AND i.fd = e.fd
)

SELECT
    -- The run.
    run_id,
    -- The file table that began with it.
    table_id,
    -- The descriptor.
    fd,
    -- What it meant in the table that was copied: `fd_nodes.node_id`.
    node_id,
    -- When the table was made, ns since the Unix epoch.
    start_ts,
    -- When it meant this no more, ns since the Unix epoch; NULL for never while the table was used.
    end_ts
FROM inherited
WHERE end_ts IS NULL OR end_ts > start_ts;
