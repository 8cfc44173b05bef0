-- A thread calls `read`.
CREATE TABLE event.syscall_entry_read (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor.
    fd UINTEGER,
    -- How many bytes at most.
    count UBIGINT
);

-- A thread calls `readv`.
CREATE TABLE event.syscall_entry_readv (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor.
    fd UBIGINT
);

-- A thread calls `recvfrom`.
CREATE TABLE event.syscall_entry_recvfrom (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor.
    fd INTEGER
);

-- A thread calls `recvmsg`.
CREATE TABLE event.syscall_entry_recvmsg (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor.
    fd INTEGER
);

-- A thread calls `recvmmsg`.
CREATE TABLE event.syscall_entry_recvmmsg (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor.
    fd INTEGER
);
