-- The names of the softirq vectors (include/linux/interrupt.h), and whether a task may raise them
-- knowingly.
CREATE VIEW softirq_vectors AS
SELECT
    -- The vector's number.
    vec,
    -- The vector's name, as `/proc/softirqs` spells it.
    vec_name,
    -- True where the local timer and interprocessor interrupts, which no event shows, raise it.
    unseen_causes
FROM (
    VALUES
    (0, 'HI', false), (1, 'TIMER', true), (2, 'NET_TX', false), (3, 'NET_RX', false),
    (4, 'BLOCK', false), (5, 'IRQ_POLL', false), (6, 'TASKLET', false), (7, 'SCHED', true),
    (8, 'HRTIMER', true), (9, 'RCU', true)
) AS vectors (vec, vec_name, unseen_causes);
