-- What the contexts of events (`pid`, `ppid`, `procname`) tell of threads of which no other event
-- does: no switch, no fork, and no statedump.
CREATE VIEW thread_contexts AS
WITH
named AS (
    SELECT run_id, tid FROM event.lttng_statedump_process_state
    UNION
    SELECT run_id, child_tid FROM event.sched_process_fork
    UNION
    SELECT run_id, prev_tid FROM event.sched_switch
    UNION
    SELECT run_id, next_tid FROM event.sched_switch
),

strangers AS (
    SELECT DISTINCT r.run_id, r.tid
    FROM store.all_rows AS r
    ANTI JOIN named AS n ON r.run_id = n.run_id AND r.tid = n.tid
    WHERE r.tid IS NOT NULL
),

-- Which column holds a context differs from class to class.
slots AS (
    SELECT
        code,
        MAX(slot) FILTER (WHERE name = 'ctx_pid') AS pid,
        MAX(slot) FILTER (WHERE name = 'ctx_ppid') AS ppid,
        MAX(slot) FILTER (WHERE name = 'ctx_procname') AS comm
    FROM store.class_columns
    GROUP BY code
),

rows_of AS (
    SELECT
        run_id, code, ts, ctx_tid, i1, i2, i3, NULL AS i4, NULL AS i5, NULL AS i6, NULL AS i7,
        NULL AS i8, NULL AS i9, s1, NULL AS s2, NULL AS s3, NULL AS s4
    FROM store.narrow
    UNION ALL
    SELECT
        run_id, code, ts, ctx_tid, i1, i2, i3, i4, NULL, NULL, NULL, NULL, NULL, s1, s2, NULL, NULL
    FROM store.middle
    UNION ALL
    SELECT run_id, code, ts, ctx_tid, i1, i2, i3, i4, i5, i6, i7, i8, i9, s1, s2, s3, s4
    FROM store.wide
),

told AS (
    SELECT
        r.run_id,
        r.ctx_tid AS tid,
        r.ts,
        slot_number(s.pid, r.i1, r.i2, r.i3, r.i4, r.i5, r.i6, r.i7, r.i8, r.i9) AS pid,
        slot_number(s.ppid, r.i1, r.i2, r.i3, r.i4, r.i5, r.i6, r.i7, r.i8, r.i9) AS ppid,
        CASE s.comm WHEN 's1' THEN r.s1 WHEN 's2' THEN r.s2 WHEN 's3' THEN r.s3 WHEN 's4' THEN r.s4
        END AS comm
    FROM strangers AS n
    INNER JOIN rows_of AS r ON n.run_id = r.run_id AND n.tid = r.ctx_tid
    LEFT JOIN slots AS s ON r.code = s.code
)

SELECT
    -- The run.
    run_id,
    -- The thread.
    tid,
    -- When an event first tells this, ns since the Unix epoch.
    MIN(ts) AS ts,
    -- Its process; NULL where no context says.
    pid::INTEGER AS pid,
    -- Its parent process; NULL where no context says.
    ppid::INTEGER AS ppid,
    -- Its name; NULL where no context says.
    comm
FROM told
GROUP BY ALL;
