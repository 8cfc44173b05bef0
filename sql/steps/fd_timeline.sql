-- What happened to each descriptor of each file table, in order, with what it was then: opened,
-- marked to be closed at exec, copied by `dup` or with its table, passed through exec, closed. A
-- close counts from its call's start: from then on the number can be given anew.
-- staged: several steps read it while a batch is loaded
CREATE VIEW fd_timeline AS
WITH
marks AS (
    SELECT
        run_id, table_id, fd::BIGINT AS fd, ts, 0 AS place, 'open' AS what, ts AS until_ts,
        node_id, cloexec
    FROM fd_nodes
    UNION ALL
    SELECT run_id, table_id, fd, ts, 1, 'mark', ts AS until_ts, NULL, cloexec
    FROM fd_cloexecs
    WHERE fd = last_fd
    UNION ALL
    SELECT run_id, table_id, from_fd, COALESCE(entry_ts, ts), 2, 'dup', NULL, node_id, NULL
    FROM fd_nodes
    WHERE from_fd IS NOT NULL
    UNION ALL
    SELECT run_id, table_id, fd, ts, 4, 'close', exit_ts, NULL, NULL
    FROM fd_ends
    WHERE fd = last_fd
),

numbers AS (SELECT DISTINCT run_id, table_id, fd FROM marks),

-- What befalls all descriptors of a table, or a range of them.
at_once AS (
    SELECT
        run_id, from_table AS table_id, 0 AS fd, 2147483647 AS last_fd, start_ts AS ts, 2 AS place,
        'copy' AS what, start_ts AS until_ts, table_id AS node_id, NULL AS cloexec
    FROM file_tables
    WHERE from_table IS NOT NULL
    UNION ALL
    SELECT run_id, table_id, 0, 2147483647 AS last_fd, ts, 3, 'exec', ts AS until_ts, NULL, NULL
    FROM table_execs
    UNION ALL
    SELECT run_id, table_id, fd, last_fd, ts, 1, 'mark', ts AS until_ts, NULL, cloexec
    FROM fd_cloexecs
    WHERE fd < last_fd
    UNION ALL
    SELECT run_id, table_id, fd, last_fd, ts, 4, 'close', exit_ts, NULL, NULL
    FROM fd_ends
    WHERE fd < last_fd
),

every AS (
    SELECT * FROM marks
    UNION ALL
    SELECT n.run_id, n.table_id, n.fd, a.ts, a.place, a.what, a.until_ts, a.node_id, a.cloexec
    FROM numbers AS n
    INNER JOIN at_once AS a
        ON
            n.run_id = a.run_id
            AND n.table_id = a.table_id
            AND n.fd BETWEEN a.fd AND a.last_fd
),

flagged AS (
    SELECT
        *,
        LAST_VALUE(cloexec IGNORE NULLS) OVER (
            PARTITION BY run_id, table_id, fd ORDER BY ts, place
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS closes_at_exec
    FROM every
)

SELECT
    -- The run.
    run_id,
    -- The file table.
    table_id,
    -- The descriptor.
    fd,
    -- When it happened, ns since the Unix epoch.
    ts,
    -- The order of what happened at one time.
    place,
    -- `open`, `mark`, `dup`, `copy` (of the whole table), `exec` or `close`; an exec that closes is
    -- a `close`.
    CASE WHEN what = 'exec' AND closes_at_exec THEN 'close' ELSE what END AS what,
    -- When a close was over, ns since the Unix epoch; else the time.
    until_ts,
    -- What was opened, or is the copy: `fd_nodes.node_id`; for `copy` the new table.
    node_id,
    -- What it was then: `fd_nodes.node_id`; -1 for closed, NULL where nothing was seen of it before
    -- in this table.
    LAST_VALUE(
        CASE
            WHEN what = 'open' THEN node_id
            WHEN what = 'close' OR (what = 'exec' AND closes_at_exec) THEN -1
        END IGNORE NULLS
    ) OVER (
        PARTITION BY run_id, table_id, fd ORDER BY ts, place
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS meant,
    -- Whether exec closes it, as far as calls on this table said; NULL where none did.
    closes_at_exec
FROM flagged;
