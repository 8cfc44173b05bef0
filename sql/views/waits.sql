-- Every call in which a thread may sleep until a descriptor is ready: `select`, `poll` and
-- `epoll_wait` in their forms, and `accept`.
CREATE VIEW waits AS
SELECT
    -- The run.
    run_id,
    -- The thread.
    tid,
    -- The call's name.
    name,
    -- When the call began, ns since the Unix epoch; 0 where it began before the trace.
    COALESCE(entry_ts, 0) AS entry_ts,
    -- When it returned, ns since the Unix epoch.
    exit_ts,
    -- True where a loss began or ended on the call's cpu before its exit.
    cleared
FROM syscalls
WHERE
    exit_ts IS NOT NULL
    AND REPLACE(name, 'compat_', '') IN (
        'select', 'pselect6', 'poll', 'ppoll', 'epoll_wait', 'epoll_pwait', 'epoll_pwait2',
        'accept', 'accept4', 'pselect6_time64', 'ppoll_time64', '_newselect', 'oldselect'
    );
