-- The connection that each captured TCP packet belongs to: that of its addresses and ports at its
-- time.
-- completes: packets.connection_id
CREATE VIEW packet_connections AS
SELECT
    -- The run.
    p.run_id,
    -- The packet's row in `packets`.
    p.rowid AS row_id,
    -- The connection.
    c.connection_id
FROM packets AS p
INNER JOIN connections AS c
    ON
        p.run_id = c.run_id
        AND LEAST((p.saddr, p.sport), (p.daddr, p.dport))
        = LEAST((c.saddr, c.sport), (c.daddr, c.dport))
        AND GREATEST((p.saddr, p.sport), (p.daddr, p.dport))
        = GREATEST((c.saddr, c.sport), (c.daddr, c.dport))
        AND p.ts >= c.start_ts
        AND p.ts < c.end_ts
WHERE p.flags IS NOT NULL;
