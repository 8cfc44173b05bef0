-- Every TCP segment received, at each point where the receiving side of the stack shows it: GRO,
-- the NET_RX softirq, the end of the NAPI poll, and the first segment without payload that the
-- stack queued back in the same softirq. What stacked devices show more than once counts where it
-- was seen first.
-- staged: several steps read it while a batch is loaded
CREATE VIEW rx_points AS
WITH
answered AS (
    SELECT
        *,
        MIN(CASE WHEN place = 3 THEN ts END) OVER of_poll AS poll_ts,
        MIN(CASE WHEN answers THEN ts END) OVER later AS answer_ts,
        ARG_MIN(flags, CASE WHEN answers THEN ts END) OVER later AS answer_flags,
        LEAD(answers) OVER in_order AS is_next
    FROM rx_turns
    WINDOW
        of_poll AS (PARTITION BY run_id, cpu_id, softirq_ts, poll),
        in_order AS (
            PARTITION BY run_id, cpu_id, softirq_ts, connection_id, of_client ORDER BY ts, place
        ),
        later AS (
            PARTITION BY run_id, cpu_id, softirq_ts, connection_id, of_client ORDER BY ts, place
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        )
),

buffers AS (
    SELECT
        *,
        MAX(CASE WHEN place = 0 THEN ts END) OVER (
            PARTITION BY run_id, cpu_id, skbaddr ORDER BY ts, place
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS gro_ts
    FROM (
        SELECT * FROM answered
        WHERE place = 1
        UNION ALL BY NAME
        SELECT run_id, cpu_id, ts, skbaddr, 0 AS place FROM event.net_napi_gro_receive_entry
        UNION ALL BY NAME
        SELECT run_id, cpu_id, ts, skbaddr, 0 AS place FROM event.net_napi_gro_frags_entry
    ) AS marks_of_buffers
),

-- A mere acknowledgement is answered where the answer follows at once: not for what came later.
asked AS (
    SELECT
        b.*,
        h.ack_ts IS NOT NULL AS completes,
        b.softirq_ts IS NOT NULL AND (b.payload_len > 0 OR b.flags & 3 <> 0 OR b.is_next)
            AS is_answered
    FROM buffers AS b
    LEFT JOIN handshakes AS h
        ON
            b.run_id = h.run_id
            AND b.saddr = h.saddr
            AND b.sport = h.sport
            AND b.ts = h.ack_ts
            AND b.from_client
    WHERE b.place = 1
)

SELECT
    -- The run.
    run_id,
    -- When the stack took it (`net_if_receive_skb`), ns since the Unix epoch.
    ts,
    -- The cpu.
    cpu_id,
    -- The buffer's address; addresses are reused at once.
    skbaddr,
    -- The network device.
    device,
    -- The connection: `connections.connection_id`.
    connection_id,
    -- True where it came from the client.
    from_client,
    -- The sequence number.
    seq,
    -- The acknowledgement number.
    ack_seq,
    -- The flags.
    flags,
    -- The payload's length in bytes.
    payload_len,
    -- The source address.
    saddr,
    -- The source port.
    sport,
    -- True for the first segment without RST that acknowledges a SYN-ACK.
    completes,
    -- When the NET_RX softirq that took it started, ns since the Unix epoch; NULL for none.
    softirq_ts,
    -- When that ended, ns since the Unix epoch; NULL where the trace does not show it.
    exit_ts,
    -- When the driver handed it to GRO, ns since the Unix epoch; NULL where it did not in this
    -- softirq.
    CASE WHEN gro_ts >= softirq_ts THEN gro_ts END AS gro_ts,
    -- When the NAPI poll that took it ended, ns since the Unix epoch; NULL where the trace does not
    -- show it.
    CASE WHEN softirq_ts IS NOT NULL THEN poll_ts END AS poll_ts,
    -- When the stack queued its own answer, ns since the Unix epoch; NULL for none in this softirq.
    CASE WHEN is_answered THEN answer_ts END AS answer_ts,
    -- The answer's flags.
    CASE WHEN is_answered THEN answer_flags END AS answer_flags
FROM asked
QUALIFY
    -- One buffer passes several devices within one softirq.
    COALESCE(
        LAG(device) OVER (
            PARTITION BY
                run_id, cpu_id, softirq_ts, skbaddr, connection_id, from_client, seq, ack_seq,
                flags, payload_len, place
            ORDER BY ts
        ) = device,
        true
    );
