"""Which thread ran on which cpu, as ftrace's events.

Perfetto's importer makes slices, thread states and wake-up latencies of them. It ends what ran on
a cpu at the next switch there, so a switch that the tracer lost would make a thread run on for too
long. Where it may have lost one, two switches are put in: one away to pid 0, in a state that no
kernel has, which Perfetto shows as unknown; and one back to the thread that the next switch
leaves, at the time of that switch.
"""

from __future__ import annotations

UNKNOWN_STATE = 0x8000
"""No state of a thread: the importer of Perfetto takes a bit above 0x100 for an unknown one, for
kernels from 4.14 on (src/trace_processor/types/task_state.cc)."""

SWITCHES = f"""
    WITH cpus AS (
        SELECT DISTINCT cpu_id FROM event.sched_switch WHERE run_id = $run AND cpu_id IS NOT NULL
    ),
    marks AS (
        SELECT cpu_id, ts, 0 AS mark, prev_comm, prev_tid, prev_prio, prev_state, next_comm,
            next_tid, next_prio
        FROM event.sched_switch WHERE run_id = $run AND cpu_id IS NOT NULL
        UNION ALL
        SELECT c.cpu_id, l.start_ts, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL
        FROM lost_windows AS l INNER JOIN cpus AS c ON COALESCE(l.cpu_id, c.cpu_id) = c.cpu_id
        WHERE l.run_id = $run
    ),
    seen AS (
        SELECT *, LAG(mark) OVER before AS last_mark, LAG(ts) OVER before AS last_ts,
            LAG(next_tid) OVER before AS last_tid, LAG(next_comm) OVER before AS last_comm,
            LAG(next_prio) OVER before AS last_prio
        FROM marks
        WINDOW before AS (PARTITION BY cpu_id ORDER BY ts, mark)
    )
    SELECT cpu_id, ts, 2 AS place, prev_comm, prev_tid, prev_prio, prev_state, next_comm,
        next_tid, next_prio
    FROM seen WHERE mark = 0
    UNION ALL
    SELECT cpu_id, CASE WHEN mark = 1 THEN ts ELSE last_ts END, 3,
        last_comm, last_tid, last_prio, {UNKNOWN_STATE}, 'swapper/' || cpu_id, 0, 120
    FROM seen
    WHERE last_mark = 0 AND last_tid <> 0 AND (mark = 1 OR prev_tid <> last_tid)
    UNION ALL
    SELECT cpu_id, ts, 1, 'swapper/' || cpu_id, 0, 120, 0, prev_comm, prev_tid, prev_prio
    FROM seen
    WHERE mark = 0 AND prev_tid <> 0 AND (last_mark = 1 OR (last_mark = 0 AND prev_tid <> last_tid))
    ORDER BY cpu_id, ts, place"""
"""A run's switches by cpu and time, with those that are put in."""

WAKINGS = """
    SELECT e.cpu_id, e.ts, COALESCE(e.ctx_tid, 0) AS waker, e.comm, e.tid, e.prio, e.target_cpu,
        CASE w.context WHEN 'hardirq' THEN 8 WHEN 'softirq' THEN 16 ELSE 0 END AS common_flags
    FROM event.{event} AS e
    LEFT JOIN (
        SELECT tid, waking_ts, ANY_VALUE(context) AS context FROM wakes
        WHERE run_id = $run GROUP BY ALL
    ) AS w ON e.tid = w.tid AND e.ts = w.waking_ts
    WHERE e.run_id = $run AND e.cpu_id IS NOT NULL
    ORDER BY e.cpu_id, e.ts"""
"""A run's wakings by cpu and time. `common_flags` are ftrace's: 8 in an interrupt's handler, 16 in
a softirq (include/linux/trace_events.h)."""
