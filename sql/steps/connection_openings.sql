-- What opens a connection between two ends: a SYN with another sequence number than the one before
-- from that side, or the answer to a SYN that was not seen. Of two SYNs that cross (simultaneous
-- open) the first alone.
-- staged: several steps read it while a batch is loaded
CREATE VIEW connection_openings AS
WITH
-- A SYN tells its sender's first sequence number, and its answer both sides'.
told AS (
    SELECT
        s.run_id,
        p.pair,
        s.ts,
        s.flags,
        s.ack_seq,
        p.up,
        CASE
            WHEN p.up AND s.flags & 2 <> 0 THEN s.seq::BIGINT
            WHEN s.flags & 18 = 18 THEN (s.ack_seq::BIGINT + 4294967295) % 4294967296
        END AS up_isn,
        CASE
            WHEN NOT p.up AND s.flags & 2 <> 0 THEN s.seq::BIGINT
            WHEN s.flags & 18 = 18 THEN (s.ack_seq::BIGINT + 4294967295) % 4294967296
        END AS down_isn
    FROM (
        SELECT run_id, ts, saddr, sport, daddr, dport, seq, ack_seq, flags
        FROM tcp_segments
        WHERE flags & 6 <> 0
        UNION ALL
        SELECT run_id, ts, saddr, sport, daddr, dport, seq, ack_seq, flags
        FROM packets
        WHERE flags & 6 <> 0
    ) AS s
    INNER JOIN address_pairs AS p
        ON
            s.run_id = p.run_id
            AND s.saddr = p.saddr
            AND s.sport = p.sport
            AND s.daddr = p.daddr
            AND s.dport = p.dport
),

preceded AS (
    SELECT
        *,
        LAST_VALUE(up_isn IGNORE NULLS) OVER earlier AS up_isn_before,
        LAST_VALUE(down_isn IGNORE NULLS) OVER earlier AS down_isn_before,
        COALESCE(LAG(flags & 18 = 2 AND NOT up) OVER in_order, false) AS after_down_syn,
        COALESCE(LAG(flags & 18 = 2 AND up) OVER in_order, false) AS after_up_syn
    FROM told
    WINDOW
        in_order AS (PARTITION BY run_id, pair ORDER BY ts, flags & 2 DESC, flags & 16),
        earlier AS (
            PARTITION BY run_id, pair ORDER BY ts, flags & 2 DESC, flags & 16
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
)

SELECT
    -- The run.
    run_id,
    -- The two ends: `address_pairs.pair`.
    pair,
    -- When it was seen, ns since the Unix epoch.
    ts,
    -- Which connection between the two it opens, in order, from 1.
    ROW_NUMBER() OVER (PARTITION BY run_id, pair ORDER BY ts) AS turn
FROM preceded
WHERE
    CASE
        WHEN flags & 18 = 2 AND up
            THEN up_isn <> COALESCE(up_isn_before, -1) AND NOT after_down_syn
        WHEN flags & 18 = 2
            THEN down_isn <> COALESCE(down_isn_before, -1) AND NOT after_up_syn
        WHEN flags & 18 = 18
            THEN (ack_seq::BIGINT + 4294967295) % 4294967296
            NOT IN (COALESCE(up_isn_before, -1), COALESCE(down_isn_before, -1))
        ELSE false
    END
GROUP BY run_id, pair, ts;
