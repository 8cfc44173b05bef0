-- Each captured packet with payload that no kernel event shows as it is, beside all events whose
-- bytes hold the packet's, or whose bytes it holds: of one connection, with one acknowledgement
-- number, and no flag but PSH in the part that is not in the whole.
CREATE VIEW range_pairs AS
WITH
left_over AS (
    SELECT
        c.run_id, c.frame, c.ts, c.last_ts, p.saddr, p.sport, p.daddr, p.dport, p.ack_seq, p.seq,
        p.payload_len, p.flags & 55 AS flags
    FROM captured_segments AS c
    INNER JOIN packets AS p ON c.run_id = p.run_id AND c.frame = p.frame AND c.ts = p.ts
    ANTI JOIN exact_packets AS e ON c.run_id = e.run_id AND c.frame = e.frame AND c.ts = e.ts
    -- No buffer is as large as 1 MiB, whatever a damaged capture says.
    WHERE p.payload_len BETWEEN 1 AND 1048576
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
    WHERE g.payload_len BETWEEN 1 AND 1048576
)

SELECT
    -- The run.
    p.run_id,
    -- The frame's number in its capture.
    p.frame,
    -- Its time there, ns since the Unix epoch.
    p.ts,
    -- The last time at which the capture may have seen it.
    p.last_ts,
    -- The packet's payload in bytes.
    p.payload_len,
    -- `rx` or `queue`.
    g.direction,
    -- The event's time, ns since the Unix epoch.
    g.ts AS event_ts,
    -- The event's cpu.
    g.cpu_id,
    -- The buffer's address.
    g.skbaddr,
    -- The network device.
    g.device,
    -- The connection.
    g.connection_id,
    -- How many bytes of the event come before the packet's; below 0, how many of the packet before
    -- the event's.
    CASE
        WHEN p.payload_len < g.payload_len
            THEN (p.seq::BIGINT - g.seq + 4294967296) % 4294967296
        ELSE -((g.seq::BIGINT - p.seq + 4294967296) % 4294967296)
    END AS place
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
        END;
