-- Every TCP segment that the kernel's events and the captures show, with the connection that it
-- belongs to, and whether it repeats what was sent before.
-- staged: several steps read it while a batch is loaded
CREATE VIEW connection_segments AS
SELECT
    -- The run.
    s.run_id,
    -- The connection.
    s.connection_id,
    -- True where it goes from the client to the server.
    s.from_client,
    -- When it was seen, ns since the Unix epoch.
    s.ts,
    -- `rx`, `queue` or `capture`.
    s.direction,
    -- The network device; empty where not known.
    s.device,
    -- The cpu, for the kernel's events.
    s.cpu_id,
    -- The buffer's address, for the kernel's events.
    s.skbaddr,
    -- The packet's row in `packets`, for the capture's.
    s.row_id,
    -- The sequence number.
    s.seq,
    -- The acknowledgement number.
    s.ack_seq,
    -- The flags.
    s.flags,
    -- The payload's length in bytes.
    s.payload_len,
    -- How many sequence numbers it takes: its payload, one for a SYN, one for a FIN; a RST none.
    s.span,
    -- Where it stands in its sender's stream at that point of sight, on past 2^32.
    s.pos,
    -- True where any of its sequence numbers was in an earlier segment of that side there.
    COALESCE(r.repeats, false) AS retransmission,
    -- True where any of its sequence numbers is in another segment of that side there, before or
    -- after it.
    r.ts IS NOT NULL AS repeated
FROM segment_places AS s
LEFT JOIN segment_repeats AS r
    ON
        s.run_id = r.run_id
        AND s.connection_id = r.connection_id
        AND s.from_client = r.from_client
        AND s.direction = r.direction
        AND s.device = r.device
        AND s.ts = r.ts
        AND s.pos = r.pos
        AND s.mark = r.mark
        AND s.span > 0;
