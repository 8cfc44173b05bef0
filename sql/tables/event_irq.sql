-- A hardware interrupt's handler starts (kernel/irq/handle.c).
CREATE TABLE event.irq_handler_entry (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The interrupt's number.
    irq INTEGER,
    -- The handler's name, as in `/proc/interrupts`.
    name VARCHAR
);

-- A hardware interrupt's handler ends (kernel/irq/handle.c).
CREATE TABLE event.irq_handler_exit (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The interrupt's number.
    irq INTEGER,
    -- Whether the handler took the interrupt (1) or not (0).
    ret INTEGER
);

-- A softirq is marked pending on this cpu (kernel/softirq.c).
CREATE TABLE event.irq_softirq_raise (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The softirq's vector: 0 HI, 1 TIMER, 2 NET_TX, 3 NET_RX, 4 BLOCK, 5 IRQ_POLL, 6 TASKLET, 7
    -- SCHED, 8 HRTIMER, 9 RCU.
    vec UINTEGER
);

-- A softirq's handler starts (kernel/softirq.c).
CREATE TABLE event.irq_softirq_entry (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The softirq's vector.
    vec UINTEGER
);

-- A softirq's handler ends (kernel/softirq.c).
CREATE TABLE event.irq_softirq_exit (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The softirq's vector.
    vec UINTEGER
);
