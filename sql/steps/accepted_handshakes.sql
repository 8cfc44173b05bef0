-- Which call accepted which handshake. A peer may come back with the same port: of the handshakes
-- of a peer that were complete before the accepts that name it, the last ones are accepted, in
-- order.
-- staged: several steps read it while a batch is loaded
CREATE VIEW accepted_handshakes AS
WITH
marks AS (
    SELECT
        run_id, saddr, sport, ack_ts AS ts, 'ack' AS what, NULL AS tid, NULL AS fd, NULL AS entry_ts
    FROM handshakes
    WHERE ack_ts IS NOT NULL
    UNION ALL
    SELECT run_id, saddr, sport, exit_ts, 'accept', tid, fd, entry_ts
    FROM accepts
    WHERE saddr IS NOT NULL
),

-- A burst: handshakes that were complete before the accepts that follow them, up to the next
-- handshake. Of m handshakes and n accepts, the last n handshakes in order are the accepted ones:
-- the queue is first in, first out, and a reset connection stays in it.
bursts AS (
    SELECT
        *,
        COUNT(CASE WHEN what = 'ack' AND what_before = 'accept' THEN 1 END) OVER so_far AS burst
    FROM (
        SELECT
            *,
            LAG(what) OVER (PARTITION BY run_id, saddr, sport ORDER BY ts, what) AS what_before
        FROM marks
    ) AS with_before
    WINDOW so_far AS (
        PARTITION BY run_id, saddr, sport ORDER BY ts, what
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
),

turns AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            PARTITION BY run_id, saddr, sport, burst, what ORDER BY ts
        ) AS place,
        COUNT(CASE WHEN what = 'ack' THEN 1 END) OVER of_burst AS acks,
        COUNT(CASE WHEN what = 'accept' THEN 1 END) OVER of_burst AS accepts
    FROM bursts
    WINDOW of_burst AS (PARTITION BY run_id, saddr, sport, burst)
)

SELECT
    -- The run.
    h.run_id,
    -- The client's address.
    h.saddr,
    -- The client's port.
    h.sport,
    -- When the handshake's final ACK was received, ns since the Unix epoch.
    h.ts AS ack_ts,
    -- When the call returned, ns since the Unix epoch.
    a.ts AS accept_ts,
    -- The thread that accepted.
    a.tid,
    -- The descriptor that it got.
    a.fd
FROM turns AS h
INNER JOIN turns AS a
    ON
        h.run_id = a.run_id
        AND h.saddr = a.saddr
        AND h.sport = a.sport
        AND h.burst = a.burst
        AND h.place - GREATEST(h.acks - h.accepts, 0) = a.place
WHERE h.what = 'ack' AND a.what = 'accept';
