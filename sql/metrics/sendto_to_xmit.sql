-- How long from a call that writes to a TCP socket to the transmit of the first segment with
-- payload that its thread queued before the call returned, on that descriptor's connection where it
-- is known.
-- from: syscall_entry_sendto, syscall_entry_sendmsg, syscall_entry_sendmmsg, syscall_entry_write,
-- syscall_entry_writev
-- to: net_dev_xmit
-- requires: syscall_entry_sendto | syscall_entry_sendmsg | syscall_entry_sendmmsg |
-- syscall_entry_write | syscall_entry_writev, net_dev_queue, net_dev_xmit
-- stages: entry_to_queue, queue_to_xmit
-- afterwards: xmit_to_exit
CREATE VIEW sendto_to_xmit AS
SELECT
    -- The run.
    s.run_id,
    -- When the call began, ns since the Unix epoch.
    s.entry_ts AS ts,
    -- How long until the driver took the segment, ns.
    x.xmit_ts - s.entry_ts AS dur,
    -- False where the tracer may have lost events of any cpu meanwhile.
    NOT lost_anywhere(l.windows, s.entry_ts, x.xmit_ts) AS certain,
    -- The same up to the call's exit, for the stage that follows the interval.
    NOT lost_anywhere(l.windows, s.entry_ts, GREATEST(x.xmit_ts, s.exit_ts)) AS certain_to_end,
    -- From the call's entry to the segment's queueing, ns.
    x.ts - s.entry_ts AS entry_to_queue,
    -- From there to the transmit, ns.
    x.xmit_ts - x.ts AS queue_to_xmit,
    -- From there to the call's exit, ns; below 0 where another cpu transmits after the exit.
    s.exit_ts - x.xmit_ts AS xmit_to_exit,
    -- The thread.
    s.tid,
    -- The thread's process.
    s.pid,
    -- The descriptor.
    s.fd,
    -- The call's name.
    s.name,
    -- How many bytes the call took; NULL for `sendmmsg`, which counts messages.
    CASE WHEN s.name <> 'sendmmsg' THEN s.ret END AS bytes,
    -- The segment's buffer.
    x.skbaddr,
    -- How the transmit was matched: `skbaddr`, or `gso` where the stack split the buffer.
    x.match,
    -- The cpu on which the driver took it.
    x.xmit_cpu,
    -- The connection; NULL where the descriptor's is not known.
    s.connection_id
FROM sends AS s
LEFT JOIN run_losses AS l ON s.run_id = l.run_id
INNER JOIN transmits AS x
    ON
        s.run_id = x.run_id
        AND s.queue_ts = x.ts
        AND s.queue_cpu = x.cpu_id
        AND s.skbaddr = x.skbaddr
WHERE x.match IS NOT NULL AND NOT x.cleared;

-- What `sendto_to_xmit` leaves out: writes to TCP sockets that queued nothing, or whose transmit
-- the trace does not show.
CREATE VIEW sendto_to_xmit_left_out AS
SELECT
    -- The run.
    s.run_id,
    -- `deferred` where the call queued no payload before it returned (Nagle, window, error),
    -- `no_xmit` where no transmit is known, `cleared_by_loss` where a loss began between the two.
    CASE
        WHEN s.queue_ts IS NULL THEN 'deferred'
        WHEN x.cleared THEN 'cleared_by_loss'
        ELSE 'no_xmit'
    END AS reason,
    -- How many there were.
    COUNT(*) AS n
FROM sends AS s
LEFT JOIN transmits AS x
    ON
        s.run_id = x.run_id
        AND s.queue_ts = x.ts
        AND s.queue_cpu = x.cpu_id
        AND s.skbaddr = x.skbaddr
WHERE s.queue_ts IS NULL OR x.match IS NULL OR x.cleared
GROUP BY ALL;
