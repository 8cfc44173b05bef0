-- How long a woken thread waited for a cpu: from the first waking since it last left one to the
-- switch that brings it in. Where waking was not traced, the wakeup stands for it. The idle threads
-- (tid 0) never count.
-- from: sched_waking
-- to: sched_switch
-- requires: sched_waking | sched_wakeup, sched_switch
CREATE VIEW wake_to_run AS
SELECT
    -- The run.
    run_id,
    -- When the thread was woken, ns since the Unix epoch.
    waking_ts AS ts,
    -- How long until it came to a cpu, ns.
    in_ts - waking_ts AS dur,
    -- False where the tracer may have lost events of any cpu meanwhile.
    certain,
    -- The thread.
    tid,
    -- Its name.
    comm,
    -- The thread that was current where the waking happened: the waker, or the one it interrupted.
    waker_tid,
    -- In which context the waker was: `hardirq`, `softirq` or `task`; NULL where a loss on its cpu
    -- leaves it open.
    context AS waker_context,
    -- The cpu to which the thread came.
    in_cpu AS cpu_id,
    -- True where the waking came while the thread was still on a cpu, on its way to sleep.
    raced
FROM wakes
WHERE in_ts IS NOT NULL;

-- What `wake_to_run` leaves out: wakings without a run, and wakings of threads that had not slept.
CREATE VIEW wake_to_run_left_out AS
SELECT
    -- The run.
    run_id,
    -- `cleared_by_loss`, `no_switch` where the trace's end cut the wait off, or `not_asleep` for
    -- the dropped wakings.
    reason,
    -- How many there were.
    n
FROM store.waking_counts;
