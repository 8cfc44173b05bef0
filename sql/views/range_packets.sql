-- Each captured packet with payload that no kernel event shows as it is, beside the event whose
-- bytes hold the packet's (the stack or the network card split what was queued, or what came was
-- joined), or the events whose bytes it holds: of one connection, with one acknowledgement number,
-- and no flag but PSH in the part that is not in the whole. Of several such events the last before
-- the packet, else the first after it, that agrees in time (`same_packet_time`).
-- staged: the steps from a packet to its event read it while a batch is loaded
CREATE VIEW range_packets AS
WITH
left_over AS (
    SELECT
        c.run_id, c.frame, c.ts, c.last_ts, p.saddr, p.sport, p.daddr, p.dport, p.ack_seq, p.seq,
        p.payload_len, p.flags & 55 AS flags
    FROM captured_segments AS c
    INNER JOIN packets AS p ON c.run_id = p.run_id AND c.frame = p.frame AND c.ts = p.ts
    ANTI JOIN exact_packets AS e ON c.run_id = e.run_id AND c.frame = e.frame AND c.ts = e.ts
    WHERE p.payload_len > 0
),

-- Sequence numbers by pages of 4,096: where one range holds another, they share the page that the
-- smaller begins in.
packet_pages AS (
    SELECT
        *,
        UNNEST(RANGE(seq // 4096, (seq::BIGINT + payload_len - 1) // 4096 + 1)) % 1048576 AS page
    FROM left_over
),

event_pages AS (
    SELECT
        g.*,
        UNNEST(RANGE(g.seq // 4096, (g.seq::BIGINT + g.payload_len - 1) // 4096 + 1)) % 1048576
            AS page
    FROM segments AS g
    SEMI JOIN left_over AS p
        ON
            g.run_id = p.run_id
            AND g.saddr = p.saddr
            AND g.sport = p.sport
            AND g.daddr = p.daddr
            AND g.dport = p.dport
            AND g.ack_seq = p.ack_seq
    WHERE g.payload_len > 0
),

pairs AS (
    SELECT
        p.run_id, p.frame, p.ts, p.last_ts, g.direction, g.ts AS event_ts, g.cpu_id, g.skbaddr,
        g.connection_id, g.device, p.payload_len, p.payload_len < g.payload_len AS is_part,
        (p.seq::BIGINT - g.seq + 4294967296) % 4294967296 AS payload_start,
        (g.seq::BIGINT - p.seq + 4294967296) % 4294967296 AS event_start
    FROM packet_pages AS p
    INNER JOIN event_pages AS g
        ON
            p.run_id = g.run_id
            AND p.saddr = g.saddr
            AND p.sport = g.sport
            AND p.daddr = g.daddr
            AND p.dport = g.dport
            AND p.ack_seq = g.ack_seq
            AND p.page = g.page
            AND CASE
                WHEN p.payload_len < g.payload_len
                    THEN
                        p.page = p.seq // 4096
                        AND (p.seq::BIGINT - g.seq + 4294967296) % 4294967296
                        <= g.payload_len - p.payload_len
                        AND p.flags & ~g.flags = 0
                WHEN p.payload_len > g.payload_len
                    THEN
                        p.page = g.seq // 4096
                        AND (g.seq::BIGINT - p.seq + 4294967296) % 4294967296
                        <= p.payload_len - g.payload_len
                        AND g.flags & 55 & ~p.flags = 0
                ELSE false
            END
),

timed AS (
    SELECT
        r.*,
        COALESCE(x.xmit_ts, CASE WHEN t.match = 'skbaddr' THEN t.xmit_ts END) AS xmit_ts,
        CASE WHEN r.is_part THEN r.payload_start ELSE -r.event_start END AS place
    FROM pairs AS r
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
            AND r.payload_start = x.payload_start
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
-- What is captured again much later is of another event, which is missing.
QUALIFY
    ts <= 1000000 + COALESCE(
        xmit_ts,
        MIN(ts) OVER (PARTITION BY run_id, direction, event_ts, cpu_id, skbaddr, place)
    );
