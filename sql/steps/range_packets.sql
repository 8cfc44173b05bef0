-- Each captured packet with payload that no kernel event shows as it is, beside the event whose
-- bytes hold the packet's (the stack or the network card split what was queued, or what came was
-- joined), or the events whose bytes it holds (`range_pairs`): the last such event before the
-- packet, else the first after it, that agrees in time (`same_packet_time`). What is captured again
-- much later is of another event, which is missing.
-- staged: the steps from a packet to its event read it while a batch is loaded
CREATE VIEW range_packets AS
WITH
timed AS (
    SELECT
        r.*,
        COALESCE(x.xmit_ts, CASE WHEN t.match = 'skbaddr' THEN t.xmit_ts END) AS xmit_ts
    FROM range_pairs AS r
    LEFT JOIN transmits AS t
        ON
            r.direction = 'queue'
            AND r.run_id = t.run_id
            AND r.event_ts = t.ts
            AND r.cpu_id = t.cpu_id
            AND r.skbaddr = t.skbaddr
            AND NOT t.cleared
    LEFT JOIN gso_segments AS x
        ON
            r.direction = 'queue'
            AND r.run_id = x.run_id
            AND r.event_ts = x.ts
            AND r.cpu_id = x.cpu_id
            AND r.skbaddr = x.skbaddr
            AND r.place = x.payload_start
            AND r.payload_len = x.payload_len
),

chosen AS (
    SELECT *
    FROM timed
    WHERE same_packet_time(event_ts, CASE WHEN device <> 'lo' THEN xmit_ts END, ts, last_ts)
    QUALIFY
        ROW_NUMBER() OVER (
            PARTITION BY run_id, frame, ts, direction, GREATEST(-place, 0)
            ORDER BY
                event_ts > last_ts, CASE WHEN event_ts > last_ts THEN event_ts ELSE -event_ts END
        ) = 1
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
    -- When the driver took the packet's segment, ns since the Unix epoch; NULL where not known.
    xmit_ts
FROM chosen
QUALIFY
    ts <= 1000000 + COALESCE(
        xmit_ts,
        MIN(ts) OVER (PARTITION BY run_id, direction, event_ts, cpu_id, skbaddr, place)
    );
