-- Which sockets each call of `waits` watches: one row a call and descriptor of a socket, and for
-- `epoll` one a stretch of time in which the epoll watched the socket during the call.
CREATE TABLE wait_sockets (
    -- The run.
    run_id INTEGER NOT NULL,
    -- When the call began: `waits.entry_ts`.
    entry_ts BIGINT NOT NULL,
    -- The thread: `waits.tid`.
    tid INTEGER NOT NULL,
    -- The descriptor.
    fd INTEGER NOT NULL,
    -- The socket: `sockets.socket_id`.
    socket_id BIGINT NOT NULL
);
