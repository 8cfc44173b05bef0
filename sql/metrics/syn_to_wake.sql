-- How long from a connection's SYN to the waking of the thread that then accepts it: the SYN's
-- receipt, the stack's SYN-ACK, the handshake's final ACK, and the first waking at or after that
-- ACK of the accepting thread, asleep in the wait call that covers it.
-- from: net_if_receive_skb
-- to: sched_waking
-- requires: net_if_receive_skb, net_dev_queue, sched_waking | sched_wakeup, sched_switch,
-- syscall_exit_accept | syscall_exit_accept4
-- stages: syn_to_synack, synack_to_ack, ack_to_wake
-- afterwards: wake_to_run, run_to_return, return_to_accept
CREATE VIEW syn_to_wake AS
SELECT
    -- The run.
    c.run_id,
    -- When the SYN was received, ns since the Unix epoch.
    c.syn_ts AS ts,
    -- How long until the accepting thread was woken, ns: the sum of the first three stages.
    c.waking_ts - c.syn_ts AS dur,
    -- False where the tracer may have lost events of any cpu meanwhile.
    NOT lost_anywhere(l.windows, c.syn_ts, c.waking_ts) AS certain,
    -- The same up to the return of `accept`, for the stages that follow the interval.
    NOT lost_anywhere(l.windows, c.syn_ts, c.accept_ts) AS certain_to_end,
    -- From the SYN's receipt to the SYN-ACK's queueing, ns: the stack answers by itself.
    c.synack_ts - c.syn_ts AS syn_to_synack,
    -- From there to the receipt of the final ACK, ns: the way to the client and back.
    c.ack_ts - c.synack_ts AS synack_to_ack,
    -- From there to the waking of the accepting thread, ns.
    c.waking_ts - c.ack_ts AS ack_to_wake,
    -- From there until the thread came to a cpu, ns.
    c.in_ts - c.waking_ts AS wake_to_run,
    -- From there to the return of the wait call, ns.
    c.wait_exit_ts - c.in_ts AS run_to_return,
    -- From there to the return of `accept`, ns; 0 where the thread waited in `accept` itself.
    c.accept_ts - c.wait_exit_ts AS return_to_accept,
    -- The thread.
    c.tid,
    -- The thread's process; NULL where the trace does not say.
    t.pid,
    -- The descriptor that `accept` made.
    c.fd,
    -- The client's address.
    c.saddr,
    -- The client's port.
    c.sport,
    -- The server's address.
    c.daddr,
    -- The server's port.
    c.dport
FROM accepted_connections AS c
LEFT JOIN run_losses AS l ON c.run_id = l.run_id
LEFT JOIN threads AS t
    ON
        c.run_id = t.run_id
        AND c.tid = t.tid
        AND t.start_ts <= c.accept_ts
        AND t.end_ts > c.accept_ts
WHERE c.waking_ts IS NOT NULL AND c.synack_ts IS NOT NULL;

-- What `syn_to_wake` leaves out: connections that no sleeping thread was woken for.
CREATE VIEW syn_to_wake_left_out AS
SELECT
    -- The run.
    c.run_id,
    -- `cleared_by_loss` where a loss hides the wait, `not_blocked` where the accepting thread did
    -- not sleep through the ACK, `not_accepted` where no call named the peer, `no_handshake` where
    -- the trace does not show the handshake whole.
    CASE
        WHEN c.ack_ts IS NULL THEN 'no_handshake'
        WHEN c.accept_ts IS NULL THEN 'not_accepted'
        WHEN c.wait_cleared OR lost_anywhere(l.windows, c.syn_ts, c.accept_ts)
            THEN 'cleared_by_loss'
        ELSE 'not_blocked'
    END AS reason,
    -- How many there were.
    COUNT(*) AS n
FROM accepted_connections AS c
LEFT JOIN run_losses AS l ON c.run_id = l.run_id
WHERE c.waking_ts IS NULL OR c.synack_ts IS NULL
GROUP BY ALL;
