-- What queued each TCP segment: a softirq, a system call of the current thread, or that thread
-- outside of any. Where the trace has no softirqs, a call only where it writes and the segment has
-- payload.
CREATE VIEW segment_queuers AS
WITH
-- Outside of softirqs, the current thread queued it.
queued AS (
    SELECT *, CASE WHEN NOT in_softirq AND ctx_tid > 0 THEN ctx_tid END AS tid
    FROM queued_segments
),

calls AS (
    SELECT c.run_id, c.tid, c.name, COALESCE(c.entry_ts, 0) AS entry_ts, c.exit_ts, c.cleared
    FROM syscalls AS c
    SEMI JOIN queued AS q ON c.run_id = q.run_id AND c.tid = q.tid
),

-- Whether the run's trace has calls that queue each kind of segment at all.
traced AS (
    SELECT
        run_id,
        BOOL_OR(name IN ('connect', 'sendto', 'sendmsg')) AS opens,
        BOOL_OR(name IN ('sendto', 'sendmsg', 'sendmmsg', 'write', 'writev')) AS writes,
        BOOL_OR(name IN ('close', 'shutdown', 'exit_group', 'exit')) AS closes,
        BOOL_OR(name LIKE 'recv%' OR name LIKE 'read%') AS reads
    FROM (
        SELECT run_id, REGEXP_REPLACE(name, '^(compat_)?syscall_entry_', '') AS name
        FROM event_classes
        WHERE name LIKE '%syscall\_entry\_%' ESCAPE '\'
    ) AS names
    GROUP BY run_id
),

placed AS (
    SELECT
        q.run_id, q.ts, q.cpu_id, q.skbaddr, q.payload_len, q.flags, q.in_softirq, q.tid,
        c.entry_ts, c.exit_ts, c.name, c.cleared,
        c.entry_ts IS NOT NULL AND COALESCE(c.exit_ts >= q.ts, true) AS in_call
    FROM queued AS q
    ASOF LEFT JOIN calls AS c ON q.run_id = c.run_id AND q.tid = c.tid AND q.ts >= c.entry_ts
),

told AS (
    SELECT
        p.*,
        CASE
            WHEN p.in_softirq THEN 'softirq'
            WHEN p.in_call
                THEN
                    CASE
                        WHEN
                            NOT p.cleared
                            AND (
                                s.shown & 4 <> 0
                                OR (
                                    p.payload_len > 0
                                    AND p.name IN (
                                        'sendto', 'sendmsg', 'sendmmsg', 'write', 'writev'
                                    )
                                )
                            )
                            THEN 'call'
                    END
            -- A loss may have hidden the start of a softirq or of a call, and the end of one that
            -- began before the trace.
            WHEN
                p.tid IS NOT NULL
                AND s.shown & 260 = 260
                AND CASE
                    WHEN p.flags & 2 <> 0 THEN k.opens
                    WHEN p.payload_len > 0 THEN k.writes
                    WHEN p.flags & 5 <> 0 THEN k.closes
                    ELSE k.reads
                END
                AND NOT lost_anywhere(
                    l.windows,
                    0,
                    CASE WHEN p.entry_ts IS NULL THEN 9223372036854775806 ELSE p.ts END
                )
                THEN 'task'
        END AS context
    FROM placed AS p
    LEFT JOIN rx_shown AS s ON p.run_id = s.run_id
    LEFT JOIN traced AS k ON p.run_id = k.run_id
    LEFT JOIN run_losses AS l ON p.run_id = l.run_id
)

SELECT
    -- The run.
    t.run_id,
    -- When it was queued, ns since the Unix epoch.
    t.ts,
    -- The cpu.
    t.cpu_id,
    -- The buffer's address.
    t.skbaddr,
    -- `call`, `softirq` or `task`; NULL where the trace does not tell.
    t.context,
    -- The thread; NULL in a softirq, and where the trace does not tell.
    CASE WHEN t.context <> 'softirq' THEN t.tid END AS tid,
    -- The call's name.
    CASE WHEN t.context = 'call' THEN t.name END AS name,
    -- The call's descriptor.
    CASE WHEN t.context = 'call' THEN d.fd END AS fd,
    -- When the call began, ns since the Unix epoch; NULL where that was before the trace.
    CASE WHEN t.context = 'call' AND t.entry_ts > 0 THEN t.entry_ts END AS entry_ts,
    -- When it returned, ns since the Unix epoch; NULL where the trace does not show it.
    CASE WHEN t.context = 'call' THEN t.exit_ts END AS exit_ts
FROM told AS t
LEFT JOIN call_descriptors AS d
    ON t.run_id = d.run_id AND t.tid = d.tid AND t.entry_ts = d.ts;
