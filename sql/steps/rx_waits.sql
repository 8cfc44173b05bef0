-- Every wake by a NET_RX softirq of a thread that slept in a call of `waits`.
-- staged: several steps read it while a batch is loaded
CREATE VIEW rx_waits AS
WITH
waiting AS (
    SELECT DISTINCT run_id, tid FROM waits
),

-- At one time, a call begins before its thread is woken in it.
marks AS (
    SELECT
        w.run_id, w.tid, w.waking_ts AS ts, 1 AS place, w.waking_cpu, w.in_ts, w.softirq_ts,
        w.context = 'softirq' AND w.vec = 3 AS by_rx
    FROM wakes AS w
    SEMI JOIN waiting AS t ON w.run_id = t.run_id AND w.tid = t.tid
    UNION ALL BY NAME
    SELECT run_id, tid, entry_ts AS ts, 0 AS place FROM waits
),

turns AS (
    SELECT
        *,
        MAX(CASE WHEN place = 0 THEN ts END) OVER so_far AS entry_ts,
        MAX(CASE WHEN place = 1 THEN ts END) OVER before AS waking_before_ts
    FROM marks
    WINDOW
        so_far AS (
            PARTITION BY run_id, tid ORDER BY ts, place
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ),
        before AS (
            PARTITION BY run_id, tid ORDER BY ts, place
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
)

SELECT
    -- The run.
    t.run_id,
    -- The thread.
    t.tid,
    -- The thread's process.
    c.pid,
    -- When it was woken, ns since the Unix epoch.
    t.ts AS waking_ts,
    -- The cpu on which it was woken.
    t.waking_cpu AS cpu_id,
    -- When the softirq that woke it started, ns since the Unix epoch.
    t.softirq_ts,
    -- When it then came to a cpu, ns since the Unix epoch; NULL where the trace does not show it.
    t.in_ts,
    -- When it had been woken before, ns since the Unix epoch; NULL where the trace shows no wake.
    t.waking_before_ts,
    -- The call in which it slept.
    c.name,
    -- Its kind: `waits.kind`.
    c.kind,
    -- When that began, ns since the Unix epoch; 0 where it began before the trace.
    c.entry_ts,
    -- When it returned, ns since the Unix epoch; NULL where the trace does not show it.
    c.exit_ts,
    -- The descriptors that it watches: `waits.fds`.
    c.fds,
    -- The epoll that it waits on: `waits.epoll`.
    c.epoll,
    -- True where a loss may have hidden the call's end, and so that it was over.
    c.cleared,
    -- True where the trace shows all that it watches.
    c.fds IS NOT NULL AND c.whole AND NOT c.cleared AS known
FROM turns AS t
INNER JOIN waits AS c ON t.run_id = c.run_id AND t.tid = c.tid AND t.entry_ts = c.entry_ts
WHERE t.by_rx AND COALESCE(t.ts <= c.exit_ts, true);
