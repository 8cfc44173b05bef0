-- The points of `rx_path` that did not come, as far as the trace tells: a scalar macro over the
-- columns of `store.received`. `shown` has a bit for each kind of event that the run's trace has
-- (see `rx_shown`); `woke_nobody` is true where the trace tells that no waiting thread was woken.
-- Outside of a softirq little can be told.
CREATE MACRO rx_points_absent(
    shown, certain, irq_ts, raise_ts, softirq_ts, gro_ts, answer_ts, woke_nobody, poll_ts,
    return_ts, read_ts
) AS LIST_FILTER(
    [
        -- Without a raise, nothing tells what raised it.
        CASE
            WHEN
                certain AND irq_ts IS NULL AND shown & 7 = 7
                AND (raise_ts IS NOT NULL OR softirq_ts IS NULL)
                THEN 'irq'
        END,
        CASE
            WHEN certain AND raise_ts IS NULL AND shown & 6 = 6 AND softirq_ts IS NULL THEN 'raise'
        END,
        CASE WHEN certain AND softirq_ts IS NULL AND shown & 4 = 4 THEN 'softirq' END,
        CASE
            WHEN
                certain AND gro_ts IS NULL AND shown & 12 = 12 AND softirq_ts IS NOT NULL
                THEN 'gro'
        END,
        CASE
            WHEN
                certain AND answer_ts IS NULL AND shown & 20 = 20 AND softirq_ts IS NOT NULL
                THEN 'answer'
        END,
        CASE WHEN woke_nobody THEN 'waking' END,
        CASE
            WHEN certain AND poll_ts IS NULL AND shown & 36 = 36 AND softirq_ts IS NULL THEN 'poll'
        END,
        CASE WHEN woke_nobody THEN 'switch_in' END,
        CASE WHEN woke_nobody THEN 'wait_return' END,
        CASE
            WHEN
                certain
                AND read_ts IS NULL
                AND (return_ts IS NOT NULL OR woke_nobody)
                THEN 'read'
        END
    ],
    LAMBDA point: point IS NOT NULL
);
