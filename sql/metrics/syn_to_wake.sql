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
    run_id,
    -- When the SYN was received, ns since the Unix epoch.
    syn_ts AS ts,
    -- How long until the accepting thread was woken, ns: the sum of the first three stages.
    waking_ts - syn_ts AS dur,
    -- False where the tracer may have lost events of any cpu meanwhile.
    certain,
    -- The same up to the return of `accept`, for the stages that follow the interval.
    certain_to_end,
    -- From the SYN's receipt to the SYN-ACK's queueing, ns: the stack answers by itself.
    synack_ts - syn_ts AS syn_to_synack,
    -- From there to the receipt of the final ACK, ns: the way to the client and back.
    ack_ts - synack_ts AS synack_to_ack,
    -- From there to the waking of the accepting thread, ns.
    waking_ts - ack_ts AS ack_to_wake,
    -- From there until the thread came to a cpu, ns.
    in_ts - waking_ts AS wake_to_run,
    -- From there to the return of the wait call, ns.
    wait_exit_ts - in_ts AS run_to_return,
    -- From there to the return of `accept`, ns; 0 where the thread waited in `accept` itself.
    accept_ts - wait_exit_ts AS return_to_accept,
    -- The thread.
    tid,
    -- The thread's process; NULL where the trace does not say.
    pid,
    -- The descriptor that `accept` made.
    fd,
    -- The client's address.
    saddr,
    -- The client's port.
    sport,
    -- The server's address.
    daddr,
    -- The server's port.
    dport
FROM accepted_connections
WHERE waking_ts IS NOT NULL AND synack_ts IS NOT NULL;

-- What `syn_to_wake` leaves out: connections that no sleeping thread was woken for.
CREATE VIEW syn_to_wake_left_out AS
SELECT
    -- The run.
    run_id,
    -- `cleared_by_loss` where a loss hides the wait, `not_blocked` where the accepting thread did
    -- not sleep through the ACK, `not_accepted` where no call named the peer, `no_handshake` where
    -- the trace does not show the handshake whole.
    CASE
        WHEN ack_ts IS NULL THEN 'no_handshake'
        WHEN accept_ts IS NULL THEN 'not_accepted'
        WHEN wait_cleared OR NOT certain_to_end THEN 'cleared_by_loss'
        ELSE 'not_blocked'
    END AS reason,
    -- How many there were.
    COUNT(*) AS n
FROM accepted_connections
WHERE waking_ts IS NULL OR synack_ts IS NULL
GROUP BY ALL;
