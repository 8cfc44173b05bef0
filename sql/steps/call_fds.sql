-- Every entry of a system call that acts on one descriptor, with that descriptor and the call's
-- next argument of note; 32-bit calls on a 64-bit kernel included.
CREATE VIEW call_fds AS
WITH
-- Where the rows of each class lie, and in which columns: to read the tables once is quicker than a
-- class at a time.
classes AS (
    SELECT
        c.code,
        REGEXP_REPLACE(c.name, 'syscall_entry_', '') AS name,
        MAX(CASE WHEN k.name = 'fd' THEN k.slot END) AS fd_slot,
        MAX(
            CASE
                WHEN k.name IN ('backlog', 'cmd', 'optname', 'how', 'count', 'len', 'size', 'vlen')
                    THEN k.slot
            END
        ) AS argument_slot,
        MAX(
            CASE
                WHEN k.name IN ('backlog', 'cmd', 'optname', 'how', 'count', 'len', 'size', 'vlen')
                    THEN k.name
            END
        ) AS argument
    FROM store.classes AS c
    INNER JOIN store.class_columns AS k ON c.code = k.code
    WHERE
        c.relation IN ('narrow', 'middle', 'wide')
        AND REGEXP_REPLACE(c.name, '^(compat_)?syscall_entry_', '') IN (
            'setsockopt', 'bind', 'listen', 'fcntl', 'accept', 'accept4', 'close', 'shutdown',
            'read', 'readv', 'recvfrom', 'recvmsg', 'recvmmsg', 'write', 'writev', 'sendto',
            'sendmsg', 'sendmmsg'
        )
    GROUP BY c.code, c.name
),

entries AS (
    SELECT run_id, code, ts, ctx_tid, i1, i2, i3, NULL AS i4, NULL AS i5, NULL AS u1, NULL AS u2
    FROM store.narrow
    UNION ALL
    SELECT run_id, code, ts, ctx_tid, i1, i2, i3, i4, NULL, u1, u2
    FROM store.middle
    UNION ALL
    SELECT run_id, code, ts, ctx_tid, i1, i2, i3, i4, i5, u1, u2
    FROM store.wide
)

SELECT
    -- The run.
    e.run_id,
    -- The thread.
    e.ctx_tid AS tid,
    -- The call's name.
    c.name,
    -- When the call began, ns since the Unix epoch.
    e.ts AS entry_ts,
    -- The descriptor.
    CASE c.fd_slot
        WHEN 'i1' THEN e.i1 WHEN 'i2' THEN e.i2 WHEN 'i3' THEN e.i3 WHEN 'i4' THEN e.i4
        WHEN 'i5' THEN e.i5 WHEN 'u1' THEN TRY_CAST(e.u1 AS BIGINT)
        WHEN 'u2' THEN TRY_CAST(e.u2 AS BIGINT)
    END AS fd,
    -- The name of the argument of note, such as `backlog`, `cmd` or `count`; NULL for none.
    c.argument,
    -- That argument.
    CASE c.argument_slot
        WHEN 'i1' THEN e.i1 WHEN 'i2' THEN e.i2 WHEN 'i3' THEN e.i3 WHEN 'i4' THEN e.i4
        WHEN 'i5' THEN e.i5 WHEN 'u1' THEN TRY_CAST(e.u1 AS BIGINT)
        WHEN 'u2' THEN TRY_CAST(e.u2 AS BIGINT)
    END AS value
FROM entries AS e
INNER JOIN classes AS c ON e.code = c.code
UNION ALL
SELECT run_id, ctx_tid, 'connect', ts, fd, NULL, NULL FROM event.syscall_entry_connect
UNION ALL
SELECT run_id, ctx_tid, 'epoll_ctl', ts, fd, 'op', op_enum FROM event.syscall_entry_epoll_ctl;
