-- The state of each TCP socket over time, from when it is first known to the trace's end: a row
-- holds for `[start_ts, end_ts)`.
CREATE TABLE socket_states (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The socket: `sockets.socket_id`.
    socket_id BIGINT NOT NULL,
    -- The state, as the kernel names it (include/net/tcp_states.h): `LISTEN`, `ESTABLISHED`, ...
    state VARCHAR NOT NULL,
    -- From when on, ns since the Unix epoch.
    start_ts BIGINT NOT NULL,
    -- Until when, ns since the Unix epoch; just past the last event for the last state.
    end_ts BIGINT NOT NULL,
    -- How it is known: `syscall`, `segment` (a packet at the kernel's events), `proc` (a line of
    -- `/proc/net/tcp`), or `close`, of the last descriptor of a socket without a connection.
    source VARCHAR NOT NULL,
    -- False where the tracer may have lost events meanwhile: the state may have been another.
    certain BOOLEAN NOT NULL
);
