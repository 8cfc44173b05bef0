-- A cpu leaves one thread for another (kernel/sched/core.c).
CREATE TABLE event.sched_switch (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The process of the thread that leaves, where the recorder added the context.
    ctx_pid INTEGER,
    -- The name of the thread that leaves.
    prev_comm VARCHAR,
    -- The thread that leaves.
    prev_tid INTEGER,
    -- Its priority.
    prev_prio INTEGER,
    -- Its state as it leaves: runnable where the low 8 bits are 0 (preempted), else asleep, stopped
    -- or dead.
    prev_state BIGINT,
    -- The name of the thread that comes.
    next_comm VARCHAR,
    -- The thread that comes.
    next_tid INTEGER,
    -- Its priority.
    next_prio INTEGER
);

-- A thread is about to be woken; the event's cpu is the waker's (kernel/sched/core.c).
CREATE TABLE event.sched_waking (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The name of the thread that is woken.
    comm VARCHAR,
    -- The thread that is woken.
    tid INTEGER,
    -- Its priority.
    prio INTEGER,
    -- The cpu that it is to run on.
    target_cpu INTEGER
);

-- A thread has been made runnable; the event may come on another cpu than the waking
-- (kernel/sched/core.c).
CREATE TABLE event.sched_wakeup (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The name of the thread that is woken.
    comm VARCHAR,
    -- The thread that is woken.
    tid INTEGER,
    -- Its priority.
    prio INTEGER,
    -- The cpu that it is to run on.
    target_cpu INTEGER
);

-- A thread is made by fork or clone (kernel/fork.c).
CREATE TABLE event.sched_process_fork (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The name of the thread that forks.
    parent_comm VARCHAR,
    -- The thread that forks.
    parent_tid INTEGER,
    -- Its process.
    parent_pid INTEGER,
    -- The new thread's name.
    child_comm VARCHAR,
    -- The new thread.
    child_tid INTEGER,
    -- Its process: another than the parent's after fork, the same for a new thread.
    child_pid INTEGER
);

-- A process has replaced its program (fs/exec.c).
CREATE TABLE event.sched_process_exec (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The program's path.
    filename VARCHAR,
    -- The thread after exec.
    tid INTEGER,
    -- The thread that called exec.
    old_tid INTEGER
);

-- A thread ends (kernel/exit.c).
CREATE TABLE event.sched_process_exit (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The thread's name.
    comm VARCHAR,
    -- The thread.
    tid INTEGER,
    -- Its priority.
    prio INTEGER
);
