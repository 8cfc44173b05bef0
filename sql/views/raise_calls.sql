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
        r.vec
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
        NULL
    FROM syscalls
    WHERE NOT cleared
),

called AS (
    SELECT
        *,
        LAST_VALUE(call IGNORE NULLS) OVER so_far AS last_call,
        LAST_VALUE(exit_ts IGNORE NULLS) OVER so_far AS last_exit_ts
    FROM marks
    WINDOW so_far AS (
        PARTITION BY run_id, tid ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
)

SELECT
    -- The run.
    run_id,
    -- The cpu.
    cpu_id,
    -- The softirq's vector.
    vec,
    -- When it was raised, ns since the Unix epoch.
    ts,
    -- The system call's name.
    last_call AS call
FROM called
WHERE vec IS NOT NULL AND last_exit_ts > ts;
