-- Every captured packet of every run, in the captures' order, with the connection that it belongs
-- to.
CREATE TABLE packets (
    -- The run.
    run_id INTEGER NOT NULL,
    -- When the frame was captured, ns since the Unix epoch.
    ts BIGINT NOT NULL,
    -- The frame's number in its file, from 1.
    frame INTEGER NOT NULL,
    -- The interface's name, where the file has one (pcapng).
    interface VARCHAR,
    -- Bytes on the wire; NULL where the file's figure cannot be.
    length INTEGER,
    -- Bytes in the file.
    captured_len INTEGER NOT NULL,
    -- The outermost VLAN id before the IP header.
    vlan USMALLINT,
    -- 4 or 6, of the outermost IP header.
    ip_version UTINYINT,
    -- Time to live; in IPv6 the hop limit.
    ttl UTINYINT,
    -- IPv4 identification; NULL in IPv6.
    ip_id USMALLINT,
    -- What the outermost IP header carries, after IPv6 extension headers and AH: 6 is TCP. Of a
    -- tunnelled packet, the tunnel's protocol (4, 41, 47 ...).
    protocol UTINYINT,
    -- Source address.
    saddr VARCHAR,
    -- Destination address, likewise.
    daddr VARCHAR,
    -- Source port of TCP or UDP; NULL in all but a first fragment.
    sport USMALLINT,
    -- Destination port, likewise.
    dport USMALLINT,
    -- TCP sequence number as on the wire.
    seq UINTEGER,
    -- TCP acknowledgement number as on the wire, ACK set or not.
    ack_seq UINTEGER,
    -- The 12 bits after the TCP data offset: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64,
    -- CWR 128, AE (NS) 256, and three reserved.
    flags USMALLINT,
    -- Bytes of TCP or UDP payload in this packet, by the IP lengths, whatever was captured; where
    -- those are 0 (segmentation offload), by the frame's length.
    payload_len INTEGER,
    -- TCP window as on the wire, not scaled.
    "window" USMALLINT,
    -- TCP checksum; with offload, what the NIC was to complete.
    checksum USMALLINT,
    -- TCP urgent pointer.
    urg_ptr USMALLINT,
    -- Maximum segment size option, bytes.
    mss USMALLINT,
    -- Window scale option, the shift as on the wire.
    wscale UTINYINT,
    -- TCP: whether the SACK-permitted option is there.
    sack_ok BOOLEAN,
    -- Timestamps option, the sender's value.
    tsval UINTEGER,
    -- Timestamps option, the echoed value.
    tsecr UINTEGER,
    -- The connection: `connections.connection_id`; NULL for what is no TCP segment.
    connection_id BIGINT
);
