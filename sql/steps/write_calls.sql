-- Every call of `sendto`, `sendmsg`, `sendmmsg`, `write` and `writev` that returned, with its
-- descriptor and what that was.
CREATE VIEW write_calls AS
WITH
entries AS (
    SELECT run_id, ts, ctx_tid, fd FROM event.syscall_entry_sendto
    UNION ALL
    SELECT run_id, ts, ctx_tid, fd FROM event.syscall_entry_sendmsg
    UNION ALL
    SELECT run_id, ts, ctx_tid, fd FROM event.syscall_entry_sendmmsg
    UNION ALL
    SELECT run_id, ts, ctx_tid, fd FROM event.syscall_entry_write
    UNION ALL
    SELECT run_id, ts, ctx_tid, fd FROM event.syscall_entry_writev
)

SELECT
    -- The run.
    s.run_id,
    -- The thread.
    s.tid,
    -- The thread's process.
    COALESCE(t.pid, s.tid) AS pid,
    -- The call's name.
    s.name,
    -- The descriptor.
    e.fd::BIGINT AS fd,
    -- When the call began, ns since the Unix epoch.
    s.entry_ts,
    -- When it returned, ns since the Unix epoch.
    s.exit_ts,
    -- What it returned.
    s.ret,
    -- What the descriptor was: `fds.kind`; NULL where not known.
    f.kind,
    -- The socket; NULL for what is none, or where not known.
    f.socket_id
FROM syscalls AS s
INNER JOIN entries AS e ON s.run_id = e.run_id AND s.tid = e.ctx_tid AND s.entry_ts = e.ts
LEFT JOIN threads AS t
    ON
        s.run_id = t.run_id
        AND s.tid = t.tid
        AND t.start_ts <= s.entry_ts
        AND t.end_ts > s.entry_ts
LEFT JOIN run_losses AS l ON s.run_id = l.run_id
LEFT JOIN fds AS f
    ON
        s.run_id = f.run_id
        AND COALESCE(t.pid, s.tid) = f.pid
        AND e.fd = f.fd
        AND f.start_ts <= s.entry_ts
        AND f.end_ts > s.entry_ts
        -- A loss may have hidden that the number was given anew.
        AND NOT lost_anywhere(l.windows, f.start_ts, s.entry_ts)
WHERE
    s.name IN ('sendto', 'sendmsg', 'sendmmsg', 'write', 'writev')
    AND s.exit_ts IS NOT NULL
    AND NOT s.cleared;
