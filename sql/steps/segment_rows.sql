-- The rows of `store.segment_facts`.
-- fills: store.segment_facts
CREATE VIEW segment_rows AS
SELECT
    -- The run.
    run_id,
    -- When it was received or queued, ns since the Unix epoch.
    ts,
    -- The cpu.
    cpu_id,
    -- The buffer's address.
    skbaddr,
    -- `rx` or `queue`.
    direction,
    -- The sequence number.
    seq,
    -- The connection.
    connection_id,
    -- True where it goes from the client to the server.
    from_client,
    -- True where it repeats what was sent before.
    retransmission
FROM connection_segments
WHERE direction <> 'capture'
ORDER BY run_id, ts;
