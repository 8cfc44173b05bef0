-- The rows of the table `accepted_connections`: every connection whose handshake the trace shows,
-- with the call that accepted it and the wake of the thread that slept through its final ACK.
-- fills: accepted_connections
CREATE VIEW accepted_rows AS
WITH
known AS (
    SELECT
        h.*, a.accept_ts, a.tid, a.fd, s.exit_ts, COALESCE(s.cleared, false) AS wait_cleared
    FROM handshakes AS h
    LEFT JOIN accepted_handshakes AS a
        ON
            h.run_id = a.run_id
            AND h.saddr = a.saddr
            AND h.sport = a.sport
            AND h.ack_ts = a.ack_ts
    LEFT JOIN waits AS s
        ON
            a.run_id = s.run_id
            AND a.tid = s.tid
            AND s.entry_ts < h.ack_ts
            AND s.exit_ts > h.ack_ts
            AND s.exit_ts <= a.accept_ts
            AND s.kind NOT IN ('connect', 'receive')
)

SELECT
    -- The run.
    k.run_id,
    -- The client's address.
    k.saddr,
    -- The client's port.
    k.sport,
    -- The server's address.
    k.daddr,
    -- The server's port.
    k.dport,
    -- The SYN's sequence number.
    k.seq,
    -- When the SYN was received, ns since the Unix epoch.
    k.syn_ts,
    -- When the SYN-ACK was queued, ns since the Unix epoch; NULL where the trace does not show it.
    k.synack_ts,
    -- When the final ACK was received, ns since the Unix epoch; NULL where the trace does not show
    -- it.
    k.ack_ts,
    -- When the call that accepted the connection returned, ns since the Unix epoch; NULL where no
    -- call named this peer.
    k.accept_ts,
    -- The thread that accepted it.
    k.tid,
    -- The thread's process; NULL where the trace does not say.
    t.pid,
    -- The descriptor that it got.
    k.fd,
    -- When the wait call that covers the ACK returned, ns since the Unix epoch; NULL where the
    -- thread did not wait.
    k.exit_ts AS wait_exit_ts,
    -- True where a loss began or ended on that call's cpu before its return.
    k.wait_cleared,
    -- When the first waking of the sleeping thread at or after the ACK fired, ns since the Unix
    -- epoch; NULL where it did not sleep.
    w.waking_ts,
    -- When the thread then came to a cpu, ns since the Unix epoch.
    w.in_ts,
    -- False where the tracer may have lost events of any cpu between the SYN and the waking.
    l.windows IS NULL OR NOT lost_anywhere(l.windows, k.syn_ts, w.waking_ts) AS certain,
    -- The same up to the return of the call that accepted the connection.
    l.windows IS NULL OR NOT lost_anywhere(l.windows, k.syn_ts, k.accept_ts) AS certain_to_end
FROM known AS k
LEFT JOIN run_losses AS l ON k.run_id = l.run_id
LEFT JOIN threads AS t
    ON
        k.run_id = t.run_id
        AND k.tid = t.tid
        AND t.start_ts <= k.accept_ts
        AND t.end_ts > k.accept_ts
LEFT JOIN wakes AS w
    ON
        k.run_id = w.run_id
        AND k.tid = w.tid
        AND w.waking_ts >= k.ack_ts
        AND w.waking_ts < k.exit_ts
        AND NOT k.wait_cleared
        AND NOT w.raced
        AND COALESCE(w.out_state & 255 <> 0, true)
QUALIFY
    ROW_NUMBER() OVER (
        PARTITION BY k.run_id, k.saddr, k.sport, k.daddr, k.dport, k.seq, k.syn_ts
        ORDER BY w.waking_ts NULLS LAST
    ) = 1
ORDER BY k.run_id, k.syn_ts;
