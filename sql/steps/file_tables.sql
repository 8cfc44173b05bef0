-- Which file table each process used, when: processes that share one share their descriptors. A
-- fork copies the parent's table or, with CLONE_FILES, shares it; `unshare`, `close_range` and exec
-- part what was shared.
-- staged: several steps read it while a batch is loaded
CREATE VIEW file_tables AS
WITH RECURSIVE
-- At the trace's start, the tables' addresses tell.
at_start AS (
    SELECT
        run_id, pid, ANY_VALUE(ts) AS ts,
        MIN(pid) OVER (PARTITION BY run_id, ANY_VALUE(file_table_address)) AS first_pid
    FROM event.lttng_statedump_process_state
    WHERE file_table_address IS NOT NULL
    GROUP BY run_id, pid
),

processes AS (
    SELECT DISTINCT run_id, COALESCE(pid, tid) AS pid FROM threads
    UNION
    SELECT DISTINCT run_id, pid FROM fd_known
),

sharing AS (
    SELECT run_id, ctx_tid, ts FROM event.syscall_entry_clone
    WHERE COALESCE(flags, clone_flags) & 66560 = 1024
    UNION ALL
    SELECT run_id, ctx_tid, ts FROM event.syscall_entry_clone3
    WHERE flags & 66560 = 1024
),

-- The processes that such calls made.
shared_forks AS (
    SELECT f.run_id, ARG_MIN(f.child_pid, f.ts) AS child_pid, MIN(f.ts) AS ts
    FROM sharing AS s
    INNER JOIN syscalls AS c ON s.run_id = c.run_id AND s.ctx_tid = c.tid AND s.ts = c.entry_ts
    INNER JOIN process_forks AS f
        ON
            s.run_id = f.run_id
            AND s.ctx_tid = f.parent_tid
            AND f.ts >= s.ts
            AND (f.ts <= c.exit_ts OR c.exit_ts IS NULL)
    GROUP BY f.run_id, s.ctx_tid, s.ts
),

forks AS (
    SELECT f.*, s.ts IS NOT NULL AS shares
    FROM process_forks AS f
    LEFT JOIN shared_forks AS s
        ON f.run_id = s.run_id AND f.child_pid = s.child_pid AND f.ts = s.ts
),

sharers AS (
    SELECT run_id, parent_pid AS pid FROM forks WHERE shares
    UNION
    SELECT run_id, child_pid FROM forks WHERE shares
    UNION
    SELECT run_id, pid FROM at_start
    QUALIFY COUNT(*) OVER (PARTITION BY run_id, first_pid) > 1
),

partings AS (
    SELECT run_id, pid, ts, 'exec' AS how FROM process_breaks WHERE what = 'exec'
    UNION ALL
    SELECT u.run_id, COALESCE(t.pid, u.ctx_tid), u.ts, 'unshare'
    FROM event.syscall_entry_unshare AS u
    LEFT JOIN threads AS t
        ON u.run_id = t.run_id AND u.ctx_tid = t.tid AND t.start_ts <= u.ts AND t.end_ts > u.ts
    WHERE u.unshare_flags & 1024 <> 0
    UNION ALL
    SELECT u.run_id, COALESCE(t.pid, u.ctx_tid), u.ts, 'close_range'
    FROM event.syscall_entry_close_range AS u
    LEFT JOIN threads AS t
        ON u.run_id = t.run_id AND u.ctx_tid = t.tid AND t.start_ts <= u.ts AND t.end_ts > u.ts
    WHERE u.flags & 2 <> 0
),

starts AS (
    SELECT run_id, pid, NULL::BIGINT AS ts, NULL AS how, NULL::INTEGER AS from_pid, false AS shares
    FROM processes
    UNION ALL
    SELECT run_id, child_pid, ts, 'fork', parent_pid, shares FROM forks
    UNION ALL
    SELECT p.run_id, p.pid, p.ts, p.how, p.pid AS from_pid, false
    FROM partings AS p
    SEMI JOIN sharers AS s ON p.run_id = s.run_id AND p.pid = s.pid
),

-- A table of its own: the process's number, and how many it had before.
stretches AS (
    SELECT
        s.run_id,
        s.pid,
        COALESCE(s.ts, -1) AS start_ts,
        COALESCE(LEAD(s.ts) OVER in_process, 9223372036854775807) AS next_ts,
        s.how,
        s.from_pid,
        s.shares,
        (ROW_NUMBER() OVER in_process - 1) * 4294967296
        + CASE WHEN s.ts IS NULL THEN COALESCE(a.first_pid, s.pid) ELSE s.pid END AS own_table
    FROM starts AS s
    LEFT JOIN at_start AS a ON s.run_id = a.run_id AND s.pid = a.pid AND s.ts IS NULL
    WINDOW in_process AS (PARTITION BY s.run_id, s.pid ORDER BY s.ts NULLS FIRST)
),

-- What each stretch of a process began with: the table that its maker then had.
made AS (
    SELECT s.*, p.pid AS maker_pid, p.start_ts AS maker_ts, p.own_table AS maker_table,
        p.shares AS maker_shares
    FROM stretches AS s
    LEFT JOIN stretches AS p
        ON
            s.run_id = p.run_id
            AND s.from_pid = p.pid
            AND p.start_ts < s.start_ts
            AND p.next_ts >= s.start_ts
),

-- A stretch that shares leads to the first one that does not.
leads AS (
    SELECT run_id, pid, start_ts, maker_pid, maker_ts, maker_table, maker_shares
    FROM made
    WHERE shares
    UNION ALL
    SELECT
        s.run_id, s.pid, s.start_ts, m.maker_pid, m.maker_ts, m.maker_table, m.maker_shares
    FROM leads AS s
    INNER JOIN made AS m
        ON s.run_id = m.run_id AND s.maker_pid = m.pid AND s.maker_ts = m.start_ts
    WHERE s.maker_shares
),

ends AS (
    SELECT m.run_id, m.pid, m.start_ts, MIN(b.ts) AS ts
    FROM made AS m
    INNER JOIN process_breaks AS b
        ON m.run_id = b.run_id AND m.pid = b.pid AND b.ts >= m.start_ts AND b.ts < m.next_ts
    WHERE b.what = 'exit'
    GROUP BY m.run_id, m.pid, m.start_ts
)

SELECT
    -- The run.
    m.run_id,
    -- The process.
    m.pid,
    -- The table's number within the run: the process's own for one that was there before.
    COALESCE(t.maker_table, m.own_table) AS table_id,
    -- From when on the process used it, ns since the Unix epoch; -1 for one that was there before.
    m.start_ts,
    -- When the process ended or got another, ns since the Unix epoch; NULL for never.
    NULLIF(LEAST(m.next_ts, COALESCE(e.ts, m.next_ts)), 9223372036854775807) AS end_ts,
    -- When its number got another table, ns since the Unix epoch.
    m.next_ts,
    -- What gave it to the process: `fork`, `exec`, `unshare` or `close_range`; NULL for a table
    -- that was there before.
    m.how,
    -- The table that it was copied from; NULL for none.
    CASE WHEN NOT m.shares THEN COALESCE(f.maker_table, m.maker_table) END AS from_table
FROM made AS m
LEFT JOIN leads AS t
    ON m.run_id = t.run_id AND m.pid = t.pid AND m.start_ts = t.start_ts AND NOT t.maker_shares
LEFT JOIN leads AS f
    ON
        m.run_id = f.run_id
        AND m.maker_pid = f.pid
        AND m.maker_ts = f.start_ts
        AND NOT f.maker_shares
LEFT JOIN ends AS e ON m.run_id = e.run_id AND m.pid = e.pid AND m.start_ts = e.start_ts;
