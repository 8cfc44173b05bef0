-- One thread as it was when the trace began.
CREATE TABLE event.lttng_statedump_process_state (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The thread.
    tid INTEGER,
    -- Its process.
    pid INTEGER,
    -- Its parent process.
    ppid INTEGER,
    -- Its name.
    name VARCHAR,
    -- The address of its file table; tasks that share one share their descriptors (LTTng 2.12 and
    -- later).
    file_table_address UBIGINT
);

-- One open descriptor as it was when the trace began.
CREATE TABLE event.lttng_statedump_file_descriptor (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The process (LTTng up to 2.11).
    pid INTEGER,
    -- The file table's address (LTTng 2.12 and later).
    file_table_address UBIGINT,
    -- The descriptor.
    fd INTEGER,
    -- The flags it was opened with.
    flags UINTEGER,
    -- The path, or `socket:[INODE]`.
    filename VARCHAR
);

-- One interrupt's handler as it was when the trace began.
CREATE TABLE event.lttng_statedump_interrupt (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The interrupt's number.
    irq UINTEGER,
    -- The interrupt chip's name.
    name VARCHAR,
    -- The handler's name.
    action VARCHAR,
    -- The thread of a threaded handler; 0 for none.
    tid INTEGER
);
