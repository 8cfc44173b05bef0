-- One row a TCP connection of a run, as its kernel events and its captures see it; `saddr` and
-- `sport` are the side that sent the SYN, else the side of the higher port. Addresses and ports
-- used again with another initial sequence number are another connection. Where one host sees a
-- segment more than once (loopback, stacked devices), counts are those of the point of sight that
-- saw most.
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
    -- The client's initial sequence number: the SYN's, else the one that the SYN-ACK answers; NULL
    -- where the connection was there before the run.
    seq UINTEGER,
    -- The server's initial sequence number: the SYN-ACK's; NULL where none was seen.
    synack_seq UINTEGER,
    -- The time of the first segment seen, ns since the Unix epoch.
    start_ts BIGINT NOT NULL,
    -- Just past the last segment seen, ns since the Unix epoch.
    end_ts BIGINT NOT NULL,
    -- The first SYN at the kernel's events, ns since the Unix epoch.
    syn_ts BIGINT,
    -- The first SYN-ACK at the kernel's events, ns since the Unix epoch.
    synack_ts BIGINT,
    -- The handshake's final ACK at the kernel's events, ns since the Unix epoch: the client's first
    -- segment without RST that acknowledges the SYN-ACK.
    ack_ts BIGINT,
    -- The first SYN in the capture, ns since the Unix epoch.
    syn_capture_ts BIGINT,
    -- The first SYN-ACK in the capture, ns since the Unix epoch.
    synack_capture_ts BIGINT,
    -- The handshake's final ACK in the capture, ns since the Unix epoch.
    ack_capture_ts BIGINT,
    -- True where both sides sent a SYN that answers none; the client is the one whose came first.
    simultaneous BOOLEAN NOT NULL,
    -- How it ended: `rst` where any RST was seen, else `fin` where any FIN was, else `open`.
    ending VARCHAR NOT NULL,
    -- Whose FIN or RST came first: `client` or `server`; NULL where it is open.
    ended_by VARCHAR,
    -- The client's first FIN at the kernel's events, else in the capture, ns since the Unix epoch.
    client_fin_ts BIGINT,
    -- The server's first FIN, likewise.
    server_fin_ts BIGINT,
    -- The first RST, likewise.
    rst_ts BIGINT,
    -- How many segments the kernel's events show from the client's side to the server's.
    client_segments BIGINT NOT NULL,
    -- How many segments the kernel's events show from the server's side to the client's.
    server_segments BIGINT NOT NULL,
    -- Payload bytes that the kernel's events show from the client's side, retransmissions included.
    client_bytes BIGINT NOT NULL,
    -- Payload bytes that the kernel's events show from the server's side, retransmissions included.
    server_bytes BIGINT NOT NULL,
    -- Payload bytes that the kernel's events show from the client's side, each part of its stream
    -- once.
    client_unique_bytes BIGINT NOT NULL,
    -- Payload bytes that the kernel's events show from the server's side, likewise.
    server_unique_bytes BIGINT NOT NULL,
    -- How many of the client's segments at the kernel's events hold a part of its stream that an
    -- earlier one held there.
    client_retransmissions BIGINT NOT NULL,
    -- How many of the server's segments, likewise.
    server_retransmissions BIGINT NOT NULL,
    -- How many packets of it the capture holds.
    captured BIGINT NOT NULL,
    -- How many segments the capture shows from the client's side to the server's.
    client_captured BIGINT NOT NULL,
    -- How many segments the capture shows from the server's side to the client's.
    server_captured BIGINT NOT NULL,
    -- Payload bytes that the capture shows from the client's side, retransmissions included.
    client_captured_bytes BIGINT NOT NULL,
    -- Payload bytes that the capture shows from the server's side, retransmissions included.
    server_captured_bytes BIGINT NOT NULL,
    -- Payload bytes that the capture shows from the client's side, each part of its stream once.
    client_captured_unique_bytes BIGINT NOT NULL,
    -- Payload bytes that the capture shows from the server's side, likewise.
    server_captured_unique_bytes BIGINT NOT NULL,
    -- How many of the client's packets in the capture hold a part of its stream that an earlier one
    -- held there.
    client_captured_retransmissions BIGINT NOT NULL,
    -- How many of the server's packets, likewise.
    server_captured_retransmissions BIGINT NOT NULL,
    -- The process that connected: the first to hold the client's socket; NULL where the run does
    -- not show it.
    client_pid INTEGER,
    -- That process's name when it first held it.
    client_comm VARCHAR,
    -- That process's descriptor for it.
    client_fd INTEGER,
    -- The process that accepted: the first to hold the server's socket; NULL where the run does
    -- not show it.
    server_pid INTEGER,
    -- That process's name when it first held it.
    server_comm VARCHAR,
    -- That process's descriptor for it.
    server_fd INTEGER
);
