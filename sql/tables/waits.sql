-- Every call in which a thread may sleep until a descriptor is ready, with the descriptors that it
-- watches: `select`, `poll` and `epoll_wait` in their forms, and calls on a socket of their own
-- (`accept`, `connect`, `read`, `recvfrom` and the like).
CREATE TABLE waits (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The thread.
    tid INTEGER NOT NULL,
    -- The thread's process.
    pid INTEGER NOT NULL,
    -- The call's name.
    name VARCHAR NOT NULL,
    -- `select`, `poll`, `epoll`, `accept`, `connect` or `receive`.
    kind VARCHAR NOT NULL,
    -- When the call began, ns since the Unix epoch; 0 where it began before the trace.
    entry_ts BIGINT NOT NULL,
    -- When it returned, ns since the Unix epoch; NULL where the trace does not show it.
    exit_ts BIGINT,
    -- What it returned.
    ret BIGINT,
    -- True where a loss began or ended on the call's cpu before its exit.
    cleared BOOLEAN NOT NULL,
    -- The descriptors that it watches; of `epoll` the epoll descriptor. NULL where the trace does
    -- not say.
    fds INTEGER[],
    -- Of `epoll`, the epoll by its origin (process, descriptor and time): `epoll_interests` has
    -- what it watches. NULL for other calls.
    epoll STRUCT(pid INTEGER, fd INTEGER, ts BIGINT),
    -- False where the call may watch more: the event had no room for all descriptors, or the trace
    -- does not show the epoll's origin.
    whole BOOLEAN NOT NULL
);
