-- A thread calls `readlink`, as what lists `/proc/PID/fd` does for each descriptor.
CREATE TABLE event.syscall_entry_readlink (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The link.
    path VARCHAR
);

-- A thread calls `readlinkat`.
CREATE TABLE event.syscall_entry_readlinkat (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The link.
    pathname VARCHAR
);
