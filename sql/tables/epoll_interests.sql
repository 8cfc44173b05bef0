-- Which sockets each epoll watches, and when: from the call of `epoll_ctl` that adds one to the one
-- that deletes it.
CREATE TABLE epoll_interests (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The epoll, by its origin: `waits.epoll`.
    epoll STRUCT(pid INTEGER, fd INTEGER, ts BIGINT) NOT NULL,
    -- The epoll descriptor that the call named.
    epfd INTEGER NOT NULL,
    -- The descriptor that it is to watch.
    fd INTEGER NOT NULL,
    -- That one's socket.
    socket_id BIGINT NOT NULL,
    -- From when on it watches it, ns since the Unix epoch.
    start_ts BIGINT NOT NULL,
    -- Until when, ns since the Unix epoch: the end of the call that deleted it, else the time when
    -- the last descriptor of the socket was closed.
    end_ts BIGINT NOT NULL
);
