-- How long from a TCP segment's queueing to its capture, and from there to the driver's transmit:
-- the capture lies between the two. Of a buffer that the stack split (GSO), a row a captured
-- segment, beside its own transmit. Below 0 where the capture's time is before the event's, by the
-- resolution (a pcap of microseconds is up to 1 us early) or by the error of the trace's offset.
-- from: net_dev_queue
-- to: the packet's time in the capture
-- requires: net_dev_queue
-- afterwards: capture_to_xmit
CREATE VIEW queue_to_capture AS
SELECT
    -- The run.
    p.run_id,
    -- When the segment was queued, ns since the Unix epoch.
    p.event_ts AS ts,
    -- How long until it was captured, ns; below 0 where the two clocks have it earlier.
    p.capture_ts - p.event_ts AS dur,
    -- False where the tracer may have lost events of any cpu meanwhile.
    p.certain,
    -- The same up to the transmit, for the stage that follows the interval.
    p.certain_to_end,
    -- From the capture to the transmit that the driver took, ns; NULL where the trace does not show
    -- it. Below 0 where the two clocks have it earlier, and on loopback, where a packet is captured
    -- as it is received.
    p.xmit_ts - p.capture_ts AS capture_to_xmit,
    -- The buffer's address; addresses are reused at once.
    p.skbaddr,
    -- How event and packet were matched: `exact`, or `range` where their bytes overlap.
    p.match,
    -- The cpu on which it was queued.
    p.cpu_id,
    -- The frame's number in the capture.
    p.frame,
    -- The connection: `connections.connection_id`.
    p.connection_id
FROM packet_events AS p
WHERE p.direction = 'queue';

-- What `queue_to_capture` leaves out, in runs with a capture: segments that no captured packet is
-- of, and captured packets that no kernel event is of.
CREATE VIEW queue_to_capture_left_out AS
SELECT
    -- The run.
    q.run_id,
    -- `no_packet` for a queued TCP segment that the capture does not have (it filters, or dropped
    -- packets), `no_event` for a captured TCP packet that is neither queued nor received.
    'no_packet' AS reason,
    -- How many there were.
    COUNT(*) AS n
FROM event.net_dev_queue AS q
SEMI JOIN packets AS c ON q.run_id = c.run_id
ANTI JOIN packet_events AS p
    ON
        q.run_id = p.run_id
        AND p.direction = 'queue'
        AND q.ts = p.event_ts
        AND q.cpu_id = p.cpu_id
        AND q.skbaddr = p.skbaddr
WHERE q.tcp_flags IS NOT NULL
GROUP BY q.run_id
UNION ALL
SELECT c.run_id, 'no_event', COUNT(*)
FROM packets AS c
ANTI JOIN packet_events AS p
    ON c.run_id = p.run_id AND c.frame = p.frame AND c.ts = p.capture_ts
WHERE c.flags IS NOT NULL
GROUP BY c.run_id;
