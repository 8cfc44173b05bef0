-- What each cpu and each thread of one run did between two times, a row for each stretch of it:
-- `FROM timeline_slices(RUN_ID, FROM_TS, TO_TS)`. Interrupts' handlers and softirqs are a cpu's;
-- a thread is on a cpu, runnable (woken or preempted, and waiting for a cpu) or asleep, and may be
-- in a system call at the same time. The idle thread has no rows. Stretches that only overlap the
-- time are given whole.
CREATE MACRO timeline_slices(run, from_ts, to_ts) AS TABLE
WITH
of_run AS (SELECT run_id, first_ts, last_ts FROM runs WHERE run_id = run),

losses AS (SELECT cpu_id, start_ts FROM lost_windows WHERE run_id = run),

bounds AS (
    SELECT r.first_ts, r.last_ts, l.windows
    FROM of_run AS r
    LEFT JOIN run_losses AS l ON r.run_id = l.run_id
),

cpus AS (SELECT DISTINCT cpu_id FROM event.sched_switch WHERE run_id = run),

-- Where a loss begins on a cpu, nothing tells who runs there until the next switch.
cpu_marks AS (
    SELECT ts, cpu_id, next_tid AS tid, next_comm AS comm, prev_tid
    FROM event.sched_switch
    WHERE run_id = run
    UNION ALL
    SELECT w.start_ts, c.cpu_id, NULL, NULL, NULL
    FROM losses AS w
    INNER JOIN cpus AS c ON w.cpu_id = c.cpu_id OR w.cpu_id IS NULL
),

turns AS (
    SELECT
        ts,
        cpu_id,
        tid,
        comm,
        LEAD(ts) OVER on_cpu AS out_ts,
        LEAD(prev_tid) OVER on_cpu AS out_tid
    FROM cpu_marks
    WINDOW on_cpu AS (PARTITION BY cpu_id ORDER BY ts, tid IS NULL DESC)
),

thread_marks AS (
    SELECT ts, prev_tid AS tid, prev_comm AS comm, cpu_id, prev_state & 255 = 0 AS leaves_runnable
    FROM event.sched_switch
    WHERE run_id = run AND prev_tid <> 0
    UNION ALL
    SELECT ts, next_tid, next_comm, cpu_id, NULL
    FROM event.sched_switch
    WHERE run_id = run AND next_tid <> 0
),

gaps AS (
    SELECT
        *,
        LEAD(ts) OVER of_thread AS in_ts,
        LEAD(cpu_id) OVER of_thread AS in_cpu,
        LEAD(leaves_runnable) OVER of_thread AS then_leaves
    FROM thread_marks
    WINDOW of_thread AS (PARTITION BY tid ORDER BY ts, leaves_runnable IS NULL)
),

own_softirqs AS (SELECT * FROM softirqs WHERE run_id = run AND ts IS NOT NULL),

own_wakes AS (SELECT * FROM wakes WHERE run_id = run),

own_calls AS (SELECT * FROM syscalls WHERE run_id = run),

slices AS (
    SELECT
        'hardirq' AS kind,
        ts,
        exit_ts,
        cpu_id,
        ctx_tid AS tid,
        irq_name AS name,
        irq::BIGINT AS number,
        certain
    FROM hardirqs
    WHERE run_id = run
    UNION ALL
    SELECT
        'softirq',
        s.ts,
        CASE WHEN NOT s.cleared THEN s.exit_ts END,
        s.cpu_id,
        s.ctx_tid,
        softirq_name(s.vec) AS vec_name,
        s.vec::BIGINT,
        s.certain
    FROM own_softirqs AS s
    UNION ALL
    SELECT
        'on cpu',
        t.ts,
        COALESCE(t.out_ts, b.last_ts),
        t.cpu_id,
        t.tid,
        t.comm,
        NULL,
        COALESCE(t.out_tid = t.tid, t.out_ts IS NULL)
    FROM turns AS t
    CROSS JOIN bounds AS b
    WHERE t.tid <> 0
    UNION ALL
    SELECT
        'runnable',
        g.ts,
        g.in_ts,
        g.in_cpu,
        g.tid,
        g.comm,
        NULL,
        NOT lost_anywhere(b.windows, g.ts, g.in_ts)
    FROM gaps AS g
    CROSS JOIN bounds AS b
    WHERE g.leaves_runnable AND g.in_ts IS NOT NULL AND g.then_leaves IS NULL
    UNION ALL
    SELECT
        'runnable',
        CASE WHEN raced THEN out_ts ELSE waking_ts END,
        in_ts,
        in_cpu,
        tid,
        comm,
        NULL,
        certain
    FROM own_wakes
    WHERE in_ts IS NOT NULL
    UNION ALL
    SELECT
        'asleep',
        COALESCE(w.out_ts, b.first_ts),
        w.waking_ts,
        NULL,
        w.tid,
        w.comm,
        w.out_state,
        NOT lost_anywhere(b.windows, COALESCE(w.out_ts, b.first_ts), w.waking_ts)
    FROM own_wakes AS w
    CROSS JOIN bounds AS b
    WHERE NOT w.raced
    UNION ALL
    SELECT
        'syscall',
        COALESCE(c.entry_ts, b.first_ts),
        c.exit_ts,
        c.entry_cpu,
        c.tid,
        c.name,
        c.ret,
        NOT c.cleared
    FROM own_calls AS c
    CROSS JOIN bounds AS b
)

SELECT
    -- `hardirq`, `softirq`, `on cpu`, `runnable`, `asleep` or `syscall`.
    kind,
    -- When it began, ns since the Unix epoch; the trace's start where it began earlier.
    ts,
    -- When it ended, ns since the Unix epoch; NULL where the trace does not show it.
    exit_ts,
    -- The cpu: of a system call that on which it began, of a runnable thread that to which it came.
    cpu_id,
    -- The thread; for a handler or softirq the one that was current.
    tid,
    -- The handler's name, the softirq's, the thread's as it then was, or the call's.
    name,
    -- The interrupt's number, the softirq's vector, the state in which the thread had left the cpu,
    -- or what the call returned.
    number,
    -- False where the tracer may have lost events that would have changed it.
    certain
FROM slices
WHERE ts < to_ts AND COALESCE(exit_ts, CASE WHEN kind = 'syscall' THEN to_ts ELSE ts END) >= from_ts
ORDER BY ts, kind, cpu_id, tid;
