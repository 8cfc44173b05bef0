-- Every connection that a host was asked to accept: the SYN received, the SYN-ACK that the stack
-- queued by itself, and the handshake's final ACK received. A connection is its addresses and ports
-- with the SYN's sequence number.
-- staged: several steps read it while a batch is loaded
CREATE VIEW handshakes AS
WITH
syns AS (
    SELECT
        run_id,
        saddr,
        sport,
        daddr,
        dport,
        seq,
        MIN(ts) AS syn_ts
    FROM tcp_segments
    WHERE direction = 'rx' AND flags & 18 = 2
    GROUP BY ALL
),

marks AS (
    SELECT run_id, saddr, sport, daddr, dport, syn_ts AS ts, 'syn' AS what, seq, NULL AS ack_seq
    FROM syns
    UNION ALL
    SELECT run_id, daddr, dport, saddr, sport, ts, 'synack', seq, ack_seq
    FROM tcp_segments
    WHERE direction = 'queue' AND flags & 18 = 18
    UNION ALL
    SELECT run_id, saddr, sport, daddr, dport, ts, 'ack', seq, ack_seq
    FROM tcp_segments
    WHERE direction = 'rx' AND flags & 22 = 16
),

-- Addresses and ports are used again: each mark belongs to the SYN before it.
turns AS (
    SELECT
        *,
        LAST_VALUE(CASE WHEN what = 'syn' THEN seq END IGNORE NULLS) OVER so_far AS syn_seq,
        COUNT(CASE WHEN what = 'syn' THEN 1 END) OVER so_far AS turn
    FROM marks
    WINDOW so_far AS (
        PARTITION BY run_id, saddr, sport, daddr, dport ORDER BY ts, what DESC
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
),

answered AS (
    SELECT
        *,
        MIN(CASE WHEN what = 'synack' AND ack_seq = (syn_seq::BIGINT + 1) % 4294967296 THEN ts END)
            OVER of_turn AS synack_ts,
        ARG_MIN(
            seq,
            CASE WHEN what = 'synack' AND ack_seq = (syn_seq::BIGINT + 1) % 4294967296 THEN ts END
        ) OVER of_turn AS synack_seq
    FROM turns
    WHERE turn > 0
    WINDOW of_turn AS (PARTITION BY run_id, saddr, sport, daddr, dport, turn)
)

SELECT
    -- The run.
    run_id,
    -- The client's address.
    saddr,
    -- The client's port.
    sport,
    -- The server's address.
    daddr,
    -- The server's port.
    dport,
    -- The SYN's sequence number.
    ANY_VALUE(syn_seq) AS seq,
    -- When the SYN was received, the first of its sequence number, ns since the Unix epoch.
    MIN(ts) FILTER (WHERE what = 'syn') AS syn_ts,
    -- When the SYN-ACK was queued, ns since the Unix epoch; NULL where the trace does not show it.
    ANY_VALUE(synack_ts) AS synack_ts,
    -- When the first segment without RST that acknowledges the SYN-ACK was received, ns since the
    -- Unix epoch; NULL where the trace does not show it.
    MIN(ts) FILTER (
        WHERE
        what = 'ack'
        AND ts >= synack_ts
        AND (ack_seq::BIGINT - synack_seq::BIGINT + 4294967296) % 4294967296
        BETWEEN 1 AND 2147483648
    ) AS ack_ts
FROM answered
GROUP BY run_id, saddr, sport, daddr, dport, turn;
