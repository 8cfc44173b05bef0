-- The rows of `packet_events`: packets that are one segment with their event, and those that share
-- bytes with it.
-- fills: packet_events
CREATE VIEW packet_event_rows AS
SELECT
    -- The run.
    m.run_id,
    -- The frame's number in its capture.
    m.frame,
    -- Its time there, ns since the Unix epoch.
    m.ts AS capture_ts,
    -- `rx` or `queue`.
    m.direction,
    -- The event's time, ns since the Unix epoch.
    m.event_ts,
    -- The event's cpu.
    m.cpu_id,
    -- The buffer's address.
    m.skbaddr,
    -- `exact` or `range`.
    m.match,
    -- When the driver took it, ns since the Unix epoch.
    m.xmit_ts,
    -- The connection.
    m.connection_id,
    -- By how many ns it was captured before it was queued.
    CASE WHEN m.direction = 'queue' THEN GREATEST(m.event_ts - m.last_ts, 0) END AS before_queue,
    -- By how many ns it was captured after the driver took it.
    CASE WHEN m.xmit_ts IS NOT NULL THEN GREATEST(m.ts - m.xmit_ts, 0) END AS after_xmit,
    -- False where the tracer may have lost events that would make it another event's.
    NOT lost_anywhere(
        l.windows,
        CASE WHEN m.event_ts > m.last_ts THEN m.ts - 200000000 ELSE m.event_ts END,
        GREATEST(m.last_ts, m.event_ts)
    ) AS certain,
    -- The same up to the transmit.
    certain AND NOT COALESCE(lost_anywhere(l.windows, m.event_ts, m.xmit_ts), false)
        AS certain_to_end
FROM (
    SELECT *, 'exact' AS match FROM exact_packets
    UNION ALL BY NAME
    SELECT *, 'range' AS match FROM range_packets
) AS m
LEFT JOIN run_losses AS l ON m.run_id = l.run_id
ORDER BY m.run_id, m.ts, m.frame, m.event_ts;
