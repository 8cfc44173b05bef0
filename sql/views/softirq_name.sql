-- The name of a softirq's vector (include/linux/interrupt.h), as `/proc/softirqs` spells it:
-- a scalar macro; NULL for a number that is none.
CREATE MACRO softirq_name(vec) AS CASE vec
    WHEN 0 THEN 'HI'
    WHEN 1 THEN 'TIMER'
    WHEN 2 THEN 'NET_TX'
    WHEN 3 THEN 'NET_RX'
    WHEN 4 THEN 'BLOCK'
    WHEN 5 THEN 'IRQ_POLL'
    WHEN 6 THEN 'TASKLET'
    WHEN 7 THEN 'SCHED'
    WHEN 8 THEN 'HRTIMER'
    WHEN 9 THEN 'RCU'
END;
