-- A thread calls `sendto` or `send`.
CREATE TABLE event.syscall_entry_sendto (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor.
    fd INTEGER
);

-- A thread calls `sendmsg`.
CREATE TABLE event.syscall_entry_sendmsg (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor.
    fd INTEGER
);

-- A thread calls `sendmmsg`.
CREATE TABLE event.syscall_entry_sendmmsg (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor.
    fd INTEGER
);

-- A thread calls `write`.
CREATE TABLE event.syscall_entry_write (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor.
    fd UINTEGER
);

-- A thread calls `writev`.
CREATE TABLE event.syscall_entry_writev (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor.
    fd UBIGINT
);

-- A thread calls `sendfile`.
CREATE TABLE event.syscall_entry_sendfile64 (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor that is written to.
    out_fd INTEGER
);
