-- The stack takes a received buffer, after GRO (net/core/dev.c).
CREATE TABLE event.net_if_receive_skb (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The socket buffer's address; addresses are reused at once.
    skbaddr UBIGINT,
    -- The buffer's length in bytes.
    len UINTEGER,
    -- The network device.
    name VARCHAR,
    -- The source address; NULL where the event carries no IP header.
    saddr VARCHAR,
    -- The destination address.
    daddr VARCHAR,
    -- Which transport header the event carries: `tcp`, `udp`, `icmp`, or NULL.
    transport_header_type VARCHAR,
    -- The source port; NULL where the event carries no transport header.
    sport USMALLINT,
    -- The destination port.
    dport USMALLINT,
    -- The TCP sequence number.
    seq UINTEGER,
    -- The TCP acknowledgement number.
    ack_seq UINTEGER,
    -- The TCP flags: 1 FIN, 2 SYN, 4 RST, 8 PSH, 16 ACK, 32 URG.
    tcp_flags USMALLINT,
    -- The TCP window, unscaled.
    "window" USMALLINT,
    -- The TCP payload's length in bytes, from the IP header's lengths.
    payload_len INTEGER
);

-- The stack hands a buffer to a device's queue (net/core/dev.c).
CREATE TABLE event.net_dev_queue (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The socket buffer's address; addresses are reused at once.
    skbaddr UBIGINT,
    -- The buffer's length in bytes.
    len UINTEGER,
    -- The network device.
    name VARCHAR,
    -- The source address; NULL where the event carries no IP header.
    saddr VARCHAR,
    -- The destination address.
    daddr VARCHAR,
    -- Which transport header the event carries: `tcp`, `udp`, `icmp`, or NULL.
    transport_header_type VARCHAR,
    -- The source port; NULL where the event carries no transport header.
    sport USMALLINT,
    -- The destination port.
    dport USMALLINT,
    -- The TCP sequence number.
    seq UINTEGER,
    -- The TCP acknowledgement number.
    ack_seq UINTEGER,
    -- The TCP flags: 1 FIN, 2 SYN, 4 RST, 8 PSH, 16 ACK, 32 URG.
    tcp_flags USMALLINT,
    -- The TCP window, unscaled.
    "window" USMALLINT,
    -- The TCP payload's length in bytes, from the IP header's lengths.
    payload_len INTEGER
);

-- A driver has taken a buffer to transmit, or refused it (net/core/dev.c).
CREATE TABLE event.net_dev_xmit (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The socket buffer's address; addresses are reused at once.
    skbaddr UBIGINT,
    -- 0 where the driver took it; else the buffer goes back to the queue.
    rc INTEGER,
    -- The buffer's length in bytes.
    len UINTEGER,
    -- The network device.
    name VARCHAR
);

-- A socket buffer is freed after use (net/core/skbuff.c).
CREATE TABLE event.skb_consume (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The socket buffer's address; addresses are reused at once.
    skbaddr UBIGINT
);

-- A socket buffer is dropped (net/core/skbuff.c).
CREATE TABLE event.skb_kfree (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The socket buffer's address; addresses are reused at once.
    skbaddr UBIGINT
);

-- A driver, such as loopback, starts to hand a buffer to the backlog (net/core/dev.c).
CREATE TABLE event.net_if_rx_entry (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The socket buffer's address; addresses are reused at once.
    skbaddr UBIGINT
);

-- The hand-over to the backlog ends (net/core/dev.c).
CREATE TABLE event.net_if_rx_exit (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- 0 where the backlog took the buffer.
    ret INTEGER
);

-- A driver hands a received buffer to GRO, which may hold or merge it (net/core/gro.c).
CREATE TABLE event.net_napi_gro_receive_entry (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The socket buffer's address; addresses are reused at once.
    skbaddr UBIGINT
);

-- A driver hands received fragments to GRO, which may hold or merge them (net/core/gro.c).
CREATE TABLE event.net_napi_gro_frags_entry (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The socket buffer's address; addresses are reused at once.
    skbaddr UBIGINT
);

-- A poll of a device's queue has ended (net/core/dev.c).
CREATE TABLE event.napi_poll (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The network device.
    dev_name VARCHAR,
    -- How many packets it took in.
    work INTEGER,
    -- How many it might have taken.
    budget INTEGER
);
