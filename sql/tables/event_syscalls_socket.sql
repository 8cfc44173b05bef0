-- A thread calls `socket`.
CREATE TABLE event.syscall_entry_socket (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The address family (`AF_*`).
    family INTEGER,
    -- The type (`SOCK_*`), with the flags `SOCK_NONBLOCK` and `SOCK_CLOEXEC`.
    type INTEGER,
    -- The protocol (`IPPROTO_*`), 0 for the family's default.
    protocol INTEGER
);

-- A thread calls `socketpair`.
CREATE TABLE event.syscall_entry_socketpair (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The address family (`AF_*`).
    family INTEGER,
    -- The type (`SOCK_*`), with the flags `SOCK_NONBLOCK` and `SOCK_CLOEXEC`.
    type INTEGER,
    -- The protocol (`IPPROTO_*`), 0 for the family's default.
    protocol INTEGER
);

-- A call of `socketpair` returns.
CREATE TABLE event.syscall_exit_socketpair (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- 0, or an error.
    ret BIGINT,
    -- The two descriptors.
    socket INTEGER[]
);

-- A thread calls `listen`.
CREATE TABLE event.syscall_entry_listen (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor.
    fd INTEGER,
    -- How many connections may wait to be accepted.
    backlog INTEGER
);

-- A thread calls `accept`.
CREATE TABLE event.syscall_entry_accept (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The listening descriptor.
    fd INTEGER
);

-- A call of `accept` returns; the address is there on x86-64 alone.
CREATE TABLE event.syscall_exit_accept (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The new descriptor, or an error.
    ret BIGINT,
    -- The peer's address family: 2 IPv4, 10 IPv6; NULL or 0 where the kernel could not tell.
    family USMALLINT,
    -- The peer's port.
    sport USMALLINT,
    -- The peer's IPv4 address, its 4 bytes in order; empty for other families.
    v4addr UTINYINT[],
    -- The peer's IPv6 address, its 8 words in order; empty for other families.
    v6addr USMALLINT[],
    -- The peer's address as text, made by the reader from the two before; NULL where neither is
    -- there.
    addr VARCHAR
);

-- A thread calls `accept4`.
CREATE TABLE event.syscall_entry_accept4 (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The listening descriptor.
    fd INTEGER,
    -- `SOCK_NONBLOCK`, `SOCK_CLOEXEC`.
    flags INTEGER
);

-- A call of `accept4` returns; the address is there on x86-64 alone.
CREATE TABLE event.syscall_exit_accept4 (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The new descriptor, or an error.
    ret BIGINT,
    -- The peer's address family: 2 IPv4, 10 IPv6; NULL or 0 where the kernel could not tell.
    family USMALLINT,
    -- The peer's port.
    sport USMALLINT,
    -- The peer's IPv4 address, its 4 bytes in order; empty for other families.
    v4addr UTINYINT[],
    -- The peer's IPv6 address, its 8 words in order; empty for other families.
    v6addr USMALLINT[],
    -- The peer's address as text, made by the reader from the two before; NULL where neither is
    -- there.
    addr VARCHAR
);

-- A thread calls `connect`; the address is there on x86-64 alone.
CREATE TABLE event.syscall_entry_connect (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor.
    fd INTEGER,
    -- The peer's address family: 2 IPv4, 10 IPv6; NULL or 0 where the kernel could not tell.
    family USMALLINT,
    -- The peer's port.
    dport USMALLINT,
    -- The peer's IPv4 address, its 4 bytes in order; empty for other families.
    v4addr UTINYINT[],
    -- The peer's IPv6 address, its 8 words in order; empty for other families.
    v6addr USMALLINT[],
    -- The peer's address as text, made by the reader from the two before; NULL where neither is
    -- there.
    addr VARCHAR
);

-- A thread calls `shutdown`.
CREATE TABLE event.syscall_entry_shutdown (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor.
    fd INTEGER
);

-- A thread calls `setsockopt`.
CREATE TABLE event.syscall_entry_setsockopt (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor.
    fd INTEGER
);
