-- A thread calls `select`, to wait for any of several descriptors.
CREATE TABLE event.syscall_entry_select (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- Descriptors from this number on are not watched.
    n INTEGER,
    -- The descriptors to read from, a bit each, the lowest first; empty for none.
    readfds UTINYINT[],
    -- The descriptors to write to.
    writefds UTINYINT[],
    -- The descriptors whose exceptions are waited for.
    exceptfds UTINYINT[]
);

-- A thread calls `pselect6`, to wait for any of several descriptors.
CREATE TABLE event.syscall_entry_pselect6 (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- Descriptors from this number on are not watched.
    n INTEGER,
    -- The descriptors to read from, a bit each, the lowest first; empty for none.
    readfds UTINYINT[],
    -- The descriptors to write to.
    writefds UTINYINT[],
    -- The descriptors whose exceptions are waited for.
    exceptfds UTINYINT[]
);

-- A thread calls `poll`, to wait for any of several descriptors.
CREATE TABLE event.syscall_entry_poll (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- How many descriptors the call names.
    nfds UINTEGER,
    -- The descriptors, those that the event had room for.
    fds STRUCT(fd INTEGER)[]
);

-- A thread calls `ppoll`, to wait for any of several descriptors.
CREATE TABLE event.syscall_entry_ppoll (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- How many descriptors the call names.
    nfds UINTEGER,
    -- The descriptors, those that the event had room for.
    fds STRUCT(fd INTEGER)[]
);

-- A thread calls `epoll_ctl`, to change what an epoll descriptor watches.
CREATE TABLE event.syscall_entry_epoll_ctl (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The epoll descriptor.
    epfd INTEGER,
    -- 1 adds, 2 deletes, 3 modifies.
    op_enum INTEGER,
    -- The descriptor to watch.
    fd INTEGER
);

-- A thread calls `epoll_wait`.
CREATE TABLE event.syscall_entry_epoll_wait (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The epoll descriptor.
    epfd INTEGER
);

-- A thread calls `epoll_pwait`.
CREATE TABLE event.syscall_entry_epoll_pwait (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The epoll descriptor.
    epfd INTEGER
);

-- A thread calls `epoll_pwait2`.
CREATE TABLE event.syscall_entry_epoll_pwait2 (
    run_id INTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER,
    -- The epoll descriptor.
    epfd INTEGER
);
