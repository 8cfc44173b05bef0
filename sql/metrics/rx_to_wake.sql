-- How long from a segment with payload, FIN or RST to the waking of a thread that waits on its
-- connection's socket, in the softirq that took the segment: one row a wake, from the first such
-- segment since the thread's wake before, on a socket that the call in which it sleeps watches.
-- from: net_if_receive_skb
-- to: sched_waking
-- requires: net_if_receive_skb, irq_softirq_entry, sched_waking | sched_wakeup, sched_switch,
-- syscall_entry_select | syscall_entry_pselect6 | syscall_entry_poll | syscall_entry_ppoll
-- | syscall_entry_epoll_wait | syscall_entry_epoll_pwait | syscall_entry_epoll_pwait2
-- | syscall_entry_accept | syscall_entry_accept4 | syscall_entry_connect | syscall_entry_read
-- | syscall_entry_readv | syscall_entry_recvfrom | syscall_entry_recvmsg | syscall_entry_recvmmsg
-- afterwards: wake_to_run, run_to_return, return_to_read
CREATE VIEW rx_to_wake AS
SELECT
    -- The run.
    w.run_id,
    -- When the first such segment was received, ns since the Unix epoch.
    w.counted_ts AS ts,
    -- How long until the thread was woken, ns.
    w.waking_ts - w.counted_ts AS dur,
    -- False where the tracer may have lost events of any cpu meanwhile.
    w.certain,
    -- The same up to the last of the points that follow the interval.
    w.certain_to_end,
    -- What that segment is: `handshake` (the one that completes a handshake, on the listening
    -- socket, or a SYN-ACK), `data`, `fin` or `rst`.
    w.counted_kind AS kind,
    -- How many such segments could have caused the wake.
    w.counted AS candidates,
    -- The thread.
    w.tid,
    -- The thread's process.
    w.pid,
    -- Its descriptor for the socket.
    w.fd,
    -- The call in which it slept.
    w.name,
    -- The connection: `connections.connection_id`.
    w.connection_id,
    -- The segment's source address.
    CASE WHEN w.from_client THEN c.saddr ELSE c.daddr END AS saddr,
    -- The segment's source port.
    CASE WHEN w.from_client THEN c.sport ELSE c.dport END AS sport,
    -- The segment's destination address.
    CASE WHEN w.from_client THEN c.daddr ELSE c.saddr END AS daddr,
    -- The segment's destination port.
    CASE WHEN w.from_client THEN c.dport ELSE c.sport END AS dport,
    -- From the waking until the thread came to a cpu, ns.
    w.in_ts - w.waking_ts AS wake_to_run,
    -- From there to the return of the call in which it slept, ns.
    w.return_ts - w.in_ts AS run_to_return,
    -- From there to the return of the thread's first call that receives or accepts on the socket,
    -- ns; 0 where it slept in that call itself.
    w.read_ts - w.return_ts AS return_to_read
FROM rx_wakes AS w
INNER JOIN connections AS c ON w.run_id = c.run_id AND w.connection_id = c.connection_id
WHERE w.counted_ts IS NOT NULL;

-- What `rx_to_wake` leaves out: segments with payload, FIN or RST that are known to have woken no
-- thread that waited on their socket, or of which that cannot be told.
CREATE VIEW rx_to_wake_left_out AS
SELECT
    -- The run.
    r.run_id,
    -- `cleared_by_loss` where a loss before or meanwhile hides which threads waited for it,
    -- `no_softirq` where no NET_RX softirq took it, `unknown_socket` where the trace does not tell
    -- its socket or what the threads that it woke waited for, else `no_waiter`: no thread that
    -- waited on its socket was woken.
    CASE
        WHEN NOT r.certain OR lost_anywhere(l.windows, 0, r.ts) THEN 'cleared_by_loss'
        WHEN r.softirq_ts IS NULL THEN 'no_softirq'
        WHEN r.shown & 512 = 0 THEN 'unknown_socket'
        ELSE 'no_waiter'
    END AS reason,
    -- How many there were.
    COUNT(*) AS n
FROM store.received AS r
LEFT JOIN run_losses AS l ON r.run_id = l.run_id
WHERE r.woken = 0 AND (r.payload_len > 0 OR r.flags & 5 <> 0)
GROUP BY ALL;
