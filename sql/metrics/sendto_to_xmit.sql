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
    run_id,
    -- When the call began, ns since the Unix epoch.
    entry_ts AS ts,
    -- How long until the driver took the segment, ns.
    xmit_ts - entry_ts AS dur,
    -- False where the tracer may have lost events of any cpu meanwhile.
    certain,
    -- The same up to the call's exit, for the stage that follows the interval.
    certain_to_end,
    -- From the call's entry to the segment's queueing, ns.
    queue_ts - entry_ts AS entry_to_queue,
    -- From there to the transmit, ns.
    xmit_ts - queue_ts AS queue_to_xmit,
    -- From there to the call's exit, ns; below 0 where another cpu transmits after the exit.
    exit_ts - xmit_ts AS xmit_to_exit,
    -- The thread.
    tid,
    -- The thread's process.
    pid,
    -- The descriptor.
    fd,
    -- The call's name.
    name,
    -- How many bytes the call took; NULL for `sendmmsg`, which counts messages.
    CASE WHEN name <> 'sendmmsg' THEN ret END AS bytes,
    -- The segment's buffer.
    skbaddr,
    -- How the transmit was matched: `skbaddr`, or `gso` where the stack split the buffer.
    match,
    -- The cpu on which the driver took it.
    xmit_cpu,
    -- The connection; NULL where the descriptor's is not known.
    connection_id
FROM sends
WHERE match IS NOT NULL AND NOT cleared;

-- What `sendto_to_xmit` leaves out: writes to TCP sockets that queued nothing, or whose transmit
-- the trace does not show.
CREATE VIEW sendto_to_xmit_left_out AS
SELECT
    -- The run.
    run_id,
    -- `deferred` where the call queued no payload before it returned (Nagle, window, error),
    -- `no_xmit` where no transmit is known, `cleared_by_loss` where a loss began between the two.
    CASE
        WHEN queue_ts IS NULL THEN 'deferred' WHEN cleared THEN 'cleared_by_loss' ELSE 'no_xmit'
    END AS reason,
    -- How many there were.
    COUNT(*) AS n
FROM sends
WHERE match IS NULL OR cleared
GROUP BY ALL;
