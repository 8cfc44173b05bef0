-- Every connection that a thread accepted, with the peer that the call named.
-- staged: several steps read it while a batch is loaded
CREATE VIEW accepts AS
WITH
exits AS (
    SELECT run_id, ts, ctx_tid, ret, addr, sport FROM event.syscall_exit_accept
    UNION ALL
    SELECT run_id, ts, ctx_tid, ret, addr, sport FROM event.syscall_exit_accept4
),

entries AS (
    SELECT run_id, ts, ctx_tid, fd FROM event.syscall_entry_accept
    UNION ALL
    SELECT run_id, ts, ctx_tid, fd FROM event.syscall_entry_accept4
),

calls AS (
    SELECT run_id, ctx_tid, ts, fd, NULL AS ret, NULL AS addr, NULL AS sport FROM entries
    UNION ALL
    SELECT run_id, ctx_tid, ts, NULL, ret, addr, sport FROM exits
),

paired AS (
    SELECT
        *,
        LAG(fd) OVER in_thread AS listen_fd,
        LAG(CASE WHEN fd IS NOT NULL THEN ts END) OVER in_thread AS entry_ts
    FROM calls
    WINDOW in_thread AS (PARTITION BY run_id, ctx_tid ORDER BY ts)
)

SELECT
    -- The run.
    run_id,
    -- The thread.
    ctx_tid AS tid,
    -- When the call began, ns since the Unix epoch; NULL where it began before the trace.
    entry_ts,
    -- When it returned, ns since the Unix epoch.
    ts AS exit_ts,
    -- The listening descriptor; NULL where the call began before the trace.
    listen_fd,
    -- The new descriptor.
    ret::INTEGER AS fd,
    -- The peer's address; NULL where the call did not name it.
    addr AS saddr,
    -- The peer's port.
    CASE WHEN addr IS NOT NULL THEN sport END AS sport
FROM paired
WHERE ret >= 0;
