-- Each captured TCP packet beside the kernel's event of the very same segment: received, queued, or
-- both, as on loopback. Of several alike the n-th meets the n-th, where there are as many
-- (`uneven_packets` tells of the others), and the two must agree in time (`same_packet_time`). A
-- packet that was captured more than once, as on several interfaces, meets its event each time, if
-- within 1 ms of the first or of the transmit; what comes later is of an event that is missing.
-- staged: the steps from a packet to its event read it while a batch is loaded
CREATE VIEW exact_packets AS
WITH
numbered AS (
    SELECT
        c.run_id, c.frame, c.ts, c.last_ts, NULL AS first_ts, s.direction, s.ts AS event_ts,
        s.cpu_id, s.skbaddr, s.connection_id, s.xmit_ts, s.until_ts
    FROM captured_segments AS c
    INNER JOIN segment_sights AS s
        ON
            c.run_id = s.run_id
            AND c.key = s.key
            AND c.number = s.number
            AND c.alike = s.alike
    UNION ALL
    SELECT
        c.run_id, c.frame, c.ts, c.last_ts, u.first_ts, s.direction, s.ts AS event_ts,
        s.cpu_id, s.skbaddr, s.connection_id, s.xmit_ts, s.until_ts
    FROM uneven_packets AS u
    INNER JOIN captured_segments AS c
        ON u.run_id = c.run_id AND u.key = c.key AND u.number = c.number
    INNER JOIN segment_sights AS s
        ON
            u.run_id = s.run_id
            AND u.direction = s.direction
            AND u.key = s.key
            AND u.event_number = s.number
)

SELECT
    -- The run.
    run_id,
    -- The frame's number in its capture.
    frame,
    -- Its time there, ns since the Unix epoch.
    ts,
    -- The last time at which the capture may have seen it.
    last_ts,
    -- `rx` or `queue`.
    direction,
    -- The event's time, ns since the Unix epoch.
    event_ts,
    -- The event's cpu.
    cpu_id,
    -- The buffer's address.
    skbaddr,
    -- The connection.
    connection_id,
    -- When the driver took it, ns since the Unix epoch; NULL where not known.
    xmit_ts
FROM numbered
WHERE
    same_packet_time(event_ts, until_ts, ts, last_ts)
    AND (first_ts IS NULL OR last_ts <= COALESCE(until_ts, first_ts) + 1000000);
