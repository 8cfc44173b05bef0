-- Every captured TCP packet with what the kernel's event of the same segment must agree in, as one
-- number (see `segment_sights`).
-- staged: the steps from a packet to its event read it while a batch is loaded
CREATE VIEW captured_segments AS
SELECT
    -- The run.
    run_id,
    -- The frame's number in its capture.
    frame,
    -- Its time there, ns since the Unix epoch.
    ts,
    -- The last time at which the capture may have seen it, by the resolution of its times.
    ts + resolution - 1 AS last_ts,
    -- The hash of what must agree.
    key,
    -- Which of the packets alike it is, from 1.
    ROW_NUMBER() OVER (PARTITION BY run_id, key ORDER BY ts, frame) AS number,
    -- How many are alike.
    COUNT(*) OVER (PARTITION BY run_id, key) AS alike
FROM (
    SELECT
        p.run_id,
        p.frame,
        p.ts,
        COALESCE(r.capture_resolution, 1) AS resolution,
        HASH(
            p.saddr, p.sport, p.daddr, p.dport, p.seq, p.ack_seq, p.flags & 63, p.payload_len
        ) AS key
    FROM packets AS p
    INNER JOIN runs AS r ON p.run_id = r.run_id
    WHERE p.flags IS NOT NULL
) AS hashed;
