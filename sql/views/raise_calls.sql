-- The system call that the current thread was in when it raised a softirq outside of interrupts,
-- for vectors that a task raises knowingly.
CREATE VIEW raise_calls AS
WITH
marks AS (
    SELECT
        r.run_id,
        r.raise_tid AS tid,
        r.raise_ts AS ts,
        NULL AS call,
        NULL AS exit_ts,
        r.cpu_id,
        r.vec,
        NULL AS call_cpu
    FROM softirq_raises AS r
    INNER JOIN softirq_vectors AS v ON r.vec = v.vec
    WHERE
        NOT v.unseen_causes
        AND r.raise_ts IS NOT NULL
        AND r.raise_tid > 0
        AND r.handler_ts IS NULL
        AND NOT r.in_softirq
    UNION ALL
    SELECT
        run_id,
        tid,
        COALESCE(entry_ts, 0),
        name,
        COALESCE(exit_ts, 9223372036854775807),
        NULL,
        NULL,
        entry_cpu
    FROM syscalls
    WHERE entry_ts IS NOT NULL OR NOT cleared
),

called AS (
    SELECT
        *,
        LAST_VALUE(call IGNORE NULLS) OVER so_far AS last_call,
        LAST_VALUE(exit_ts IGNORE NULLS) OVER so_far AS last_exit_ts,
        LAST_VALUE(CASE WHEN call IS NOT NULL THEN ts END IGNORE NULLS) OVER so_far
            AS last_entry_ts,
        LAST_VALUE(call_cpu IGNORE NULLS) OVER so_far AS last_cpu
    FROM marks
    WINDOW so_far AS (
        PARTITION BY run_id, tid ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
)

SELECT
    -- The run.
    c.run_id,
    -- The cpu.
    c.cpu_id,
    -- The softirq's vector.
    c.vec,
    -- When it was raised, ns since the Unix epoch.
    c.ts,
    -- The system call's name.
    c.last_call AS call
FROM called AS c
LEFT JOIN run_losses AS l ON c.run_id = l.run_id
WHERE
    c.vec IS NOT NULL
    AND c.last_exit_ts > c.ts
    AND NOT cleared_on(l.windows, c.cpu_id, c.last_entry_ts, c.ts)
    AND NOT cleared_on(l.windows, c.last_cpu, c.last_entry_ts, c.ts);
