-- The handshake of each connection at each point of sight that shows a SYN or SYN-ACK of it: one
-- row where the host is the client's end, one where it is the server's (on loopback both), and one
-- for the capture.
CREATE TABLE handshake_times (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The connection: `connections.connection_id`.
    connection_id BIGINT NOT NULL,
    -- `client` where the kernel queued the SYN, received the SYN-ACK and queued the ACK; `server`
    -- where it received, queued and received them; `capture`.
    sight VARCHAR NOT NULL,
    -- The first SYN there, ns since the Unix epoch; NULL where none was seen.
    syn_ts BIGINT,
    -- The first SYN-ACK there, ns since the Unix epoch; NULL where none was seen.
    synack_ts BIGINT,
    -- The final ACK there, ns since the Unix epoch: the client's first segment without RST, at or
    -- after that SYN-ACK, that acknowledges it; NULL where none was seen.
    ack_ts BIGINT,
    -- False where the tracer may have lost events of any cpu between the SYN and the final ACK.
    certain BOOLEAN NOT NULL
);
