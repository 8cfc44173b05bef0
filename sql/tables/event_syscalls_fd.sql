-- A thread calls `open`.
CREATE TABLE event.syscall_entry_open (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The path.
    filename VARCHAR,
    -- The flags; 524288 closes the descriptor on exec.
    flags INTEGER
);

-- A thread calls `openat`.
CREATE TABLE event.syscall_entry_openat (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The directory that a relative path starts from; -100 for the current one.
    dfd INTEGER,
    -- The path.
    filename VARCHAR,
    -- The flags; 524288 closes the descriptor on exec.
    flags INTEGER
);

-- A thread calls `openat2`.
CREATE TABLE event.syscall_entry_openat2 (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The directory that a relative path starts from.
    dfd INTEGER,
    -- The path.
    filename VARCHAR
);

-- A thread calls `creat`.
CREATE TABLE event.syscall_entry_creat (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The path.
    pathname VARCHAR
);

-- A thread calls `dup`.
CREATE TABLE event.syscall_entry_dup (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor to double.
    fildes UINTEGER
);

-- A thread calls `dup2`.
CREATE TABLE event.syscall_entry_dup2 (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor to double.
    oldfd UINTEGER,
    -- The number for the copy, closed first where it is open.
    newfd UINTEGER
);

-- A thread calls `dup3`.
CREATE TABLE event.syscall_entry_dup3 (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor to double.
    oldfd UINTEGER,
    -- The number for the copy, closed first where it is open.
    newfd UINTEGER,
    -- The flags; 524288 closes the descriptor on exec.
    flags INTEGER
);

-- A thread calls `fcntl`.
CREATE TABLE event.syscall_entry_fcntl (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor.
    fd UINTEGER,
    -- The command: 0 F_DUPFD, 2 F_SETFD, 1030 F_DUPFD_CLOEXEC.
    cmd UINTEGER,
    -- The command's argument.
    arg UBIGINT
);

-- A thread calls `close`.
CREATE TABLE event.syscall_entry_close (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The descriptor.
    fd UINTEGER
);

-- A thread calls `close_range`.
CREATE TABLE event.syscall_entry_close_range (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The first descriptor to close.
    fd UINTEGER,
    -- The last one.
    max_fd UINTEGER,
    -- 2 unshares the table first, 4 only marks them close-on-exec.
    flags UINTEGER
);

-- A call of `pipe` returns.
CREATE TABLE event.syscall_exit_pipe (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- 0, or an error.
    ret BIGINT,
    -- The reading and the writing end.
    fildes INTEGER[]
);

-- A thread calls `pipe2`.
CREATE TABLE event.syscall_entry_pipe2 (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The flags; 524288 closes the descriptor on exec.
    flags INTEGER
);

-- A call of `pipe2` returns.
CREATE TABLE event.syscall_exit_pipe2 (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- 0, or an error.
    ret BIGINT,
    -- The reading and the writing end.
    fildes INTEGER[]
);

-- A thread calls `epoll_create1`.
CREATE TABLE event.syscall_entry_epoll_create1 (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The flags; 524288 closes the descriptor on exec.
    flags INTEGER
);

-- A thread calls `eventfd2`.
CREATE TABLE event.syscall_entry_eventfd2 (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The flags; 524288 closes the descriptor on exec.
    flags INTEGER
);
