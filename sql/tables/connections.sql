-- One row a TCP connection of a run, as its kernel events and its captures see it; `saddr` and
-- `sport` are the side that sent the SYN, else the side of the higher port.
CREATE TABLE connections (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The connection's number within its run, in order of time.
    connection_id BIGINT NOT NULL,
    -- The client's address.
    saddr VARCHAR NOT NULL,
    -- The client's port.
    sport USMALLINT NOT NULL,
    -- The server's address.
    daddr VARCHAR NOT NULL,
    -- The server's port.
    dport USMALLINT NOT NULL,
    -- The SYN's sequence number; NULL where the connection was there before the run.
    seq UINTEGER,
    -- The time of the first segment seen, ns since the Unix epoch.
    start_ts BIGINT NOT NULL,
    -- Just past the last segment seen, ns since the Unix epoch.
    end_ts BIGINT NOT NULL,
    -- The first SYN at the kernel's events, ns since the Unix epoch.
    syn_ts BIGINT,
    -- The first SYN-ACK at the kernel's events, ns since the Unix epoch.
    synack_ts BIGINT,
    -- The handshake's final ACK at the kernel's events, ns since the Unix epoch.
    ack_ts BIGINT,
    -- The first SYN in the capture, ns since the Unix epoch.
    syn_capture_ts BIGINT,
    -- The first SYN-ACK in the capture, ns since the Unix epoch.
    synack_capture_ts BIGINT,
    -- How it ended: `rst`, `fin` or `open`.
    ending VARCHAR NOT NULL,
    -- How many segments the kernel's events show from the client's side to the server's.
    client_segments BIGINT NOT NULL,
    -- How many segments the kernel's events show from the server's side to the client's.
    server_segments BIGINT NOT NULL,
    -- Payload bytes that the kernel's events show from the client's side, retransmissions included.
    client_bytes BIGINT NOT NULL,
    -- Payload bytes that the kernel's events show from the server's side, retransmissions included.
    server_bytes BIGINT NOT NULL,
    -- How many packets of it the capture holds.
    captured BIGINT NOT NULL
);
