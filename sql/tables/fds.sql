-- What each file descriptor of each process was, when: a row holds for `[start_ts, end_ts)`.
CREATE TABLE fds (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The process that has the descriptor; its threads share it, and each process that shares its
    -- file table has a row of its own.
    pid INTEGER NOT NULL,
    -- The descriptor's number.
    fd INTEGER NOT NULL,
    -- From when on it meant this, ns since the Unix epoch; the trace's first event where it was
    -- open before.
    start_ts BIGINT NOT NULL,
    -- Until when it meant this, ns since the Unix epoch; just past the last event where it was open
    -- at the end.
    end_ts BIGINT NOT NULL,
    -- `socket`, `path`, `pipe`, `anon_inode` or `other`.
    kind VARCHAR NOT NULL,
    -- The path, or the name that `/proc` gives; NULL for a socket whose inode is not known.
    path VARCHAR,
    -- The socket's or pipe's inode number; NULL where not known.
    inode UBIGINT,
    -- Which socket of the run it is: `sockets.socket_id`; NULL for what is no socket.
    socket_id BIGINT,
    -- How it is known: `statedump`, `syscall` or `proc`.
    source VARCHAR NOT NULL,
    -- The event that made it this process's: a system call's name, `fork`, `exec` or `unshare`
    -- where that parted a shared file table, `statedump` or `proc`.
    opened_by VARCHAR NOT NULL,
    -- False where the tracer may have lost events meanwhile: the number may have got another
    -- meaning that nothing shows.
    certain BOOLEAN NOT NULL
);
