-- Every wake: the first waking of a thread since it last left a cpu, with what woke it (an
-- interrupt's handler, a softirq and the segment that it had in hand, or a task) and when the
-- thread came to a cpu. A waking of a thread still on a cpu counts only where the thread is then
-- switched out asleep (the two raced). Where waking was not traced, the wakeup stands for it.
CREATE TABLE wakes (
    -- The run.
    run_id INTEGER NOT NULL,
    -- When the thread was woken, ns since the Unix epoch.
    waking_ts BIGINT NOT NULL,
    -- The thread.
    tid INTEGER NOT NULL,
    -- When it came to a cpu, ns since the Unix epoch; NULL where the trace does not show it.
    in_ts BIGINT,
    -- When it had left a cpu before, ns since the Unix epoch; NULL where the trace does not show
    -- it.
    out_ts BIGINT,
    -- The state in which it had left.
    out_state BIGINT,
    -- True where the waking came while the thread was still on a cpu, on its way to sleep.
    raced BOOLEAN NOT NULL,
    -- The cpu on which it was woken: the waker's.
    waking_cpu INTEGER,
    -- The cpu to which it came.
    in_cpu INTEGER,
    -- The thread that was current on the waker's cpu: the waker, or the one that was interrupted.
    waker_tid INTEGER,
    -- The thread's name as it came.
    comm VARCHAR,
    -- False where the tracer may have lost events of any cpu between the waking and the switch.
    certain BOOLEAN NOT NULL,
    -- `hardirq`, `softirq` or `task`: in which context the waker's cpu was; NULL where the trace
    -- does not tell, as after a loss there that no softirq has followed.
    context VARCHAR,
    -- When the innermost handler open there started, ns since the Unix epoch; NULL for none.
    irq_ts BIGINT,
    -- That interrupt's number.
    irq INTEGER,
    -- When the softirq that ran there started, ns since the Unix epoch; NULL for none.
    softirq_ts BIGINT,
    -- That softirq's vector.
    vec UINTEGER,
    -- When the stack took the last segment (`net_if_receive_skb`) before the waking, within that
    -- softirq, ns since the Unix epoch; NULL for none.
    rx_ts BIGINT
);

-- How many wakings are in no row of `wakes`, or in one without a switch, by reason.
CREATE TABLE store.waking_counts (
    -- The run.
    run_id INTEGER NOT NULL,
    -- `cleared_by_loss`, `no_switch` where the trace's end cut the wait off, or `not_asleep` for
    -- the dropped wakings.
    reason VARCHAR NOT NULL,
    -- How many there were.
    n BIGINT NOT NULL
);
