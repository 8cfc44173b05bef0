-- Every TCP segment that the kernel's events and the captures show, with the connection that it
-- belongs to and its place in its sender's stream, by point of sight: who sent it, whether it was
-- received, queued or captured, and at which device.
-- staged: several steps read it while a batch is loaded
CREATE VIEW segment_places AS
WITH
wrapping AS (
    SELECT run_id, pair, turn, up, direction, device
    FROM connection_turns
    WHERE flags & 4 = 0
    GROUP BY run_id, pair, turn, up, direction, device
    HAVING MAX(seq)::BIGINT - MIN(seq) >= 2147483648
),

-- Where the numbers wrap, each is taken near the one before it.
unwrapped AS (
    SELECT
        * EXCLUDE (step),
        (4294967296 + FIRST_VALUE(seq) OVER so_far + SUM(COALESCE(step, 0)) OVER so_far)::BIGINT
            AS pos
    FROM (
        SELECT
            t.*,
            (t.seq::BIGINT - LAG(t.seq) OVER in_order + 6442450944) % 4294967296 - 2147483648
                AS step
        FROM connection_turns AS t
        SEMI JOIN wrapping AS w
            ON
                t.run_id = w.run_id
                AND t.pair = w.pair
                AND t.turn = w.turn
                AND t.up = w.up
                AND t.direction = w.direction
                AND t.device = w.device
        WINDOW in_order AS (
            PARTITION BY t.run_id, t.pair, t.turn, t.up, t.direction, t.device, t.flags & 4
            ORDER BY t.ts, t.seq
        )
    ) AS stepped
    WINDOW so_far AS (
        PARTITION BY run_id, pair, turn, up, direction, device, flags & 4 ORDER BY ts, seq
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
),

placed AS (
    SELECT * FROM unwrapped
    UNION ALL
    SELECT t.*, 4294967296 + t.seq
    FROM connection_turns AS t
    ANTI JOIN wrapping AS w
        ON
            t.run_id = w.run_id
            AND t.pair = w.pair
            AND t.turn = w.turn
            AND t.up = w.up
            AND t.direction = w.direction
            AND t.device = w.device
)

SELECT
    -- The run.
    p.run_id,
    -- The connection.
    n.connection_id,
    -- True where it goes from the client to the server.
    p.up = n.client_is_low AS from_client,
    -- When it was seen, ns since the Unix epoch.
    p.ts,
    -- `rx`, `queue` or `capture`.
    p.direction,
    -- The network device; empty where not known.
    p.device,
    -- The cpu, for the kernel's events.
    p.cpu_id,
    -- The buffer's address, for the kernel's events.
    p.skbaddr,
    -- The packet's row in `packets`, for the capture's.
    p.row_id,
    -- The sequence number.
    p.seq,
    -- The acknowledgement number.
    p.ack_seq,
    -- The flags.
    p.flags,
    -- The payload's length in bytes.
    p.payload_len,
    -- How many sequence numbers it takes: its payload, one for a SYN, one for a FIN; a RST none.
    CASE
        WHEN p.flags & 4 = 0
            THEN COALESCE(p.payload_len, 0) + (p.flags >> 1 & 1) + (p.flags & 1)
        ELSE 0
    END AS span,
    -- Where it stands in its sender's stream at that point of sight: its sequence number, plus
    -- 2^32, and 2^32 more for every wrap since the first segment seen there.
    p.pos,
    -- What tells it from another of the same time: the row, or the buffer's address.
    COALESCE(p.row_id::UBIGINT, p.skbaddr, 0) AS mark
FROM placed AS p
INNER JOIN connection_numbers AS n
    ON p.run_id = n.run_id AND p.pair = n.pair AND p.turn = n.turn;
