-- What opens and ends each connection: the initial sequence numbers, the FINs and the RSTs, as the
-- kernel's events and the captures show them.
-- staged: several steps read it while a batch is loaded
CREATE VIEW connection_marks AS
WITH
marked AS (
    SELECT
        run_id,
        connection_id,
        ts,
        seq,
        ack_seq,
        direction = 'capture' AS captured,
        CASE
            WHEN flags & 4 <> 0 THEN CASE WHEN from_client THEN 'client_rst' ELSE 'server_rst' END
            WHEN flags & 18 = 2 AND from_client THEN 'syn'
            WHEN flags & 18 = 2 THEN 'server_syn'
            WHEN flags & 18 = 18 AND NOT from_client THEN 'synack'
            WHEN flags & 1 <> 0 THEN CASE WHEN from_client THEN 'client_fin' ELSE 'server_fin' END
        END AS what
    FROM connection_segments
    WHERE flags & 7 <> 0
)

SELECT
    -- The run.
    run_id,
    -- The connection.
    connection_id,
    -- The client's initial sequence number: the SYN's, else the one that the SYN-ACK answers.
    COALESCE(
        ARG_MIN(seq, ts) FILTER (WHERE what = 'syn'),
        ((ARG_MIN(ack_seq, ts) FILTER (WHERE what = 'synack')::BIGINT + 4294967295) % 4294967296)
    )::UINTEGER AS seq,
    -- The server's initial sequence number: the SYN-ACK's.
    ARG_MIN(seq, ts) FILTER (WHERE what = 'synack') AS synack_seq,
    -- The client's first FIN at the kernel's events, else in the capture, ns since the Unix epoch.
    COALESCE(
        MIN(ts) FILTER (WHERE what = 'client_fin' AND NOT captured),
        MIN(ts) FILTER (WHERE what = 'client_fin')
    ) AS client_fin_ts,
    -- The server's first FIN, likewise.
    COALESCE(
        MIN(ts) FILTER (WHERE what = 'server_fin' AND NOT captured),
        MIN(ts) FILTER (WHERE what = 'server_fin')
    ) AS server_fin_ts,
    -- The client's first RST, likewise.
    COALESCE(
        MIN(ts) FILTER (WHERE what = 'client_rst' AND NOT captured),
        MIN(ts) FILTER (WHERE what = 'client_rst')
    ) AS client_rst_ts,
    -- The server's first RST, likewise.
    COALESCE(
        MIN(ts) FILTER (WHERE what = 'server_rst' AND NOT captured),
        MIN(ts) FILTER (WHERE what = 'server_rst')
    ) AS server_rst_ts,
    -- True where both sides sent a SYN that answers none (simultaneous open).
    BOOL_OR(what = 'server_syn') AS simultaneous
FROM marked
GROUP BY run_id, connection_id;
