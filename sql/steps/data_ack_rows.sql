-- The rows of `data_acks`.
-- fills: data_acks
CREATE VIEW data_ack_rows AS
WITH
-- Of the ACKs that reach as far, the first.
covered AS (
    SELECT
        *,
        MIN(CASE WHEN is_ack THEN ts END) OVER (
            PARTITION BY run_id, connection_id, from_client ORDER BY reach, is_ack
            ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        ) AS ack_ts
    FROM ack_marks
),

-- An ACK that came before tells of an earlier sending that the trace does not show.
judged AS (
    SELECT
        d.*,
        l.windows,
        CASE
            WHEN d.retransmitted OR d.ack_ts < d.ts THEN 'retransmitted'
            WHEN d.ack_ts IS NOT NULL THEN NULL
            WHEN lost_anywhere(l.windows, d.ts, c.end_ts) THEN 'cleared_by_loss'
            ELSE 'unacked'
        END AS reason
    FROM covered AS d
    INNER JOIN connection_numbers AS c
        ON d.run_id = c.run_id AND d.connection_id = c.connection_id
    LEFT JOIN run_losses AS l ON d.run_id = l.run_id
    WHERE NOT d.is_ack AND d.payload_len > 0
)

SELECT
    -- The run.
    run_id,
    -- When the segment was queued, ns since the Unix epoch.
    ts,
    -- How long until the ACK was received, ns; NULL where there is no interval.
    CASE WHEN reason IS NULL THEN ack_ts - ts END AS dur,
    -- Why there is none; NULL where there is one.
    reason,
    -- False where a loss may hide an earlier sending or the ACK.
    NOT lost_anywhere(windows, COALESCE(last_ts, 0), COALESCE(ack_ts, ts)) AS certain,
    -- The connection.
    connection_id,
    -- True where the client sent it.
    from_client,
    -- The cpu on which it was queued.
    cpu_id,
    -- The buffer's address.
    skbaddr,
    -- The sequence number.
    seq,
    -- The payload's length in bytes.
    payload_len
FROM judged
ORDER BY run_id, ts;
