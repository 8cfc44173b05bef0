-- A thread calls `timerfd_create`.
CREATE TABLE event.syscall_entry_timerfd_create (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The flags; 524288 closes the descriptor on exec.
    flags INTEGER
);

-- A thread calls `signalfd4`.
CREATE TABLE event.syscall_entry_signalfd4 (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor to change; -1 for a new one.
    ufd INTEGER,
    -- The flags; 524288 closes the descriptor on exec.
    flags INTEGER
);

-- A thread calls `signalfd`.
CREATE TABLE event.syscall_entry_signalfd (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor to change; -1 for a new one.
    ufd INTEGER
);

-- A thread calls `inotify_init1`.
CREATE TABLE event.syscall_entry_inotify_init1 (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The flags; 524288 closes the descriptor on exec.
    flags INTEGER
);

-- A thread calls `memfd_create`.
CREATE TABLE event.syscall_entry_memfd_create (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The name that it is given.
    uname VARCHAR,
    -- The flags; 1 closes the descriptor on exec.
    flags UINTEGER
);

-- A thread calls `userfaultfd`.
CREATE TABLE event.syscall_entry_userfaultfd (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The flags; 524288 closes the descriptor on exec.
    flags INTEGER
);
