-- Every TCP segment received or queued, and every end of a NAPI poll, with the NET_RX softirq in
-- which it happened: what came after the softirq's end, or after a loss, was not within it.
CREATE VIEW rx_turns AS
WITH
-- `place`: at one time, the softirq's start comes first, then what arrives, then the answer.
marks AS (
    SELECT run_id, cpu_id, ts, 0 AS place FROM softirq_pairs
    WHERE vec = 3
    UNION ALL BY NAME
    SELECT
        run_id, cpu_id, ts, CASE direction WHEN 'rx' THEN 1 ELSE 2 END AS place, skbaddr, device,
        saddr, sport, connection_id, from_client, seq, ack_seq, flags, payload_len,
        from_client = (direction = 'rx') AS of_client
    FROM segments
    UNION ALL BY NAME
    SELECT run_id, cpu_id, ts, 3 AS place FROM event.napi_poll
),

turns AS (
    SELECT
        *,
        MAX(CASE WHEN place = 0 THEN ts END) OVER so_far AS turn_ts,
        COUNT(CASE WHEN place = 3 THEN 1 END) OVER so_far - (place = 3)::BIGINT AS poll
    FROM marks
    WINDOW so_far AS (
        PARTITION BY run_id, cpu_id ORDER BY ts, place
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
)

SELECT
    -- The run.
    t.run_id,
    -- The cpu.
    t.cpu_id,
    -- When it happened, ns since the Unix epoch.
    t.ts,
    -- 1 for a segment received, 2 for one queued, 3 for the end of a poll.
    t.place,
    -- How many polls had ended on the cpu before.
    t.poll,
    -- The buffer's address.
    t.skbaddr,
    -- The network device.
    t.device,
    -- The source address.
    t.saddr,
    -- The source port.
    t.sport,
    -- The connection.
    t.connection_id,
    -- True where it comes from the client.
    t.from_client,
    -- True where the client sent it, or it answers the client.
    t.of_client,
    -- The sequence number.
    t.seq,
    -- The acknowledgement number.
    t.ack_seq,
    -- The flags.
    t.flags,
    -- The payload's length in bytes.
    t.payload_len,
    -- True where it may be the stack's own answer: queued, without payload or FIN.
    t.place = 2 AND t.payload_len = 0 AND t.flags & 1 = 0 AS answers,
    -- When the softirq started, ns since the Unix epoch; NULL for none.
    s.ts AS softirq_ts,
    -- When it ended, ns since the Unix epoch; NULL where the trace does not show it.
    s.exit_ts
FROM turns AS t
LEFT JOIN run_losses AS l ON t.run_id = l.run_id
LEFT JOIN softirq_pairs AS s
    ON
        t.run_id = s.run_id
        AND t.cpu_id = s.cpu_id
        AND t.turn_ts = s.ts
        AND s.vec = 3
        AND COALESCE(t.ts <= s.exit_ts, true)
        AND NOT cleared_on(l.windows, t.cpu_id, s.ts, t.ts)
WHERE t.place > 0;
