-- A thread calls `clone`.
CREATE TABLE event.syscall_entry_clone (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The clone flags; 1024 (CLONE_FILES) shares the descriptors, 65536 (CLONE_THREAD) makes a
    -- thread. Named `clone_flags` before LTTng 2.13.
    flags UBIGINT,
    -- The clone flags, before LTTng 2.13.
    clone_flags UBIGINT
);

-- A thread calls `clone3`.
CREATE TABLE event.syscall_entry_clone3 (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The clone flags, where the tracer reads them; most give the address of the arguments alone.
    flags UBIGINT
);

-- A thread calls `unshare`.
CREATE TABLE event.syscall_entry_unshare (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- What is to be its own; 1024 (CLONE_FILES) for the descriptors.
    unshare_flags UBIGINT
);
