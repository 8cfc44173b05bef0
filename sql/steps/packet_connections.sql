-- The connection that each captured TCP packet belongs to.
-- completes: packets.connection_id
CREATE VIEW packet_connections AS
SELECT
    -- The run.
    run_id,
    -- The packet's row in `packets`.
    row_id,
    -- The connection.
    connection_id
FROM connection_segments
WHERE direction = 'capture';
