-- The rows of `store.received`: each received segment with the interrupt before it and the wake
-- after it.
-- fills: store.received
CREATE VIEW received_rows AS
WITH
wakes_of AS (
    SELECT
        c.run_id, c.cpu_id, c.rx_ts, c.skbaddr, COUNT(DISTINCT c.tid) AS woken,
        MIN(c.waking_ts) AS waking_ts, ARG_MIN(c.tid, (c.waking_ts, c.tid)) AS tid
    FROM rx_causes AS c
    GROUP BY c.run_id, c.cpu_id, c.rx_ts, c.skbaddr
),

-- The wakes of which the trace does not tell what the thread waited for.
unknown AS (
    SELECT
        run_id, cpu_id, softirq_ts, BOOL_OR(cleared) AS cleared, MAX(waking_ts) AS waking_ts
    FROM (
        SELECT run_id, cpu_id, softirq_ts, waking_ts, cleared
        FROM rx_waits
        WHERE NOT known
        UNION ALL
        SELECT run_id, cpu_id, softirq_ts, waking_ts, false FROM rx_stray_wakes
    ) AS wakings
    GROUP BY run_id, cpu_id, softirq_ts
),

ends AS (
    SELECT DISTINCT run_id, connection_id, is_client FROM socket_connections
),

listeners AS (
    SELECT DISTINCT run_id, saddr, sport, ack_ts FROM listening_sockets
),

points AS (
    SELECT
        p.*,
        CASE
            WHEN p.flags & 4 <> 0 THEN 'rst'
            WHEN p.flags & 18 = 2 THEN 'syn'
            WHEN p.flags & 2 <> 0 THEN 'synack'
            WHEN p.completes THEN 'handshake'
            WHEN p.payload_len > 0 THEN 'data'
            WHEN p.flags & 1 <> 0 THEN 'fin'
            ELSE 'ack'
        END AS kind,
        r.raise_ts,
        r.irq_ts,
        COALESCE(r.origin = 'unseen', false) AS by_unseen,
        COALESCE(u.cleared, false) AS is_hidden,
        w.waking_ts,
        w.tid,
        COALESCE(w.woken, 0)::INTEGER AS woken,
        -- Whether the trace tells that nobody was woken, where nobody is known to have been.
        COALESCE(u.waking_ts < p.ts, true)
        AND (o.run_id IS NOT NULL OR p.flags & 18 = 2)
        AND (NOT p.completes OR i.run_id IS NOT NULL)
        -- The trace may end before the softirq does.
        AND (p.exit_ts IS NOT NULL OR p.softirq_ts IS NULL)
        AND NOT lost_anywhere(l.windows, 0, COALESCE(p.exit_ts, p.ts)) AS tells
    FROM rx_points AS p
    LEFT JOIN softirqs AS r
        ON
            p.run_id = r.run_id
            AND p.cpu_id = r.cpu_id
            AND p.softirq_ts = r.ts
            AND r.vec = 3
    LEFT JOIN wakes_of AS w
        ON
            p.run_id = w.run_id
            AND p.cpu_id = w.cpu_id
            AND p.ts = w.rx_ts
            AND p.skbaddr = w.skbaddr
    LEFT JOIN ends AS o
        ON
            p.run_id = o.run_id
            AND p.connection_id = o.connection_id
            AND p.from_client <> o.is_client
    LEFT JOIN listeners AS i
        ON
            p.run_id = i.run_id
            AND p.saddr = i.saddr
            AND p.sport = i.sport
            AND p.ts = i.ack_ts
    LEFT JOIN unknown AS u
        ON p.run_id = u.run_id AND p.cpu_id = u.cpu_id AND p.softirq_ts = u.softirq_ts
    LEFT JOIN run_losses AS l ON p.run_id = l.run_id
)

SELECT
    -- The run.
    p.run_id,
    -- When the stack took it, ns since the Unix epoch.
    p.ts,
    -- The cpu.
    p.cpu_id,
    -- The buffer's address.
    p.skbaddr,
    -- The network device.
    p.device,
    -- The connection.
    p.connection_id,
    -- True where it came from the client.
    p.from_client,
    -- `syn`, `synack`, `handshake`, `data`, `fin`, `rst` or `ack`.
    p.kind,
    -- The sequence number.
    p.seq,
    -- The acknowledgement number.
    p.ack_seq,
    -- The flags.
    p.flags,
    -- The payload's length in bytes.
    p.payload_len,
    -- The interrupt's handler's start.
    p.irq_ts,
    -- The softirq's raise.
    p.raise_ts,
    -- The softirq's start.
    p.softirq_ts,
    -- The driver's call of GRO.
    p.gro_ts,
    -- The end of the NAPI poll.
    p.poll_ts,
    -- The stack's own answer.
    p.answer_ts,
    -- The answer's flags.
    p.answer_flags,
    -- How many waiting threads it may have woken.
    p.woken,
    -- When the first of them was woken.
    p.waking_ts,
    -- That thread.
    p.tid,
    -- How many segments could have caused that wake.
    w.candidates,
    -- When the thread came to a cpu.
    w.in_ts,
    -- When the call in which it had waited returned.
    w.return_ts,
    -- When it had read.
    w.read_ts,
    -- Which points the trace could have shown. Another cpu that hands its packets over (RPS) shows
    -- its interrupt and GRO there, and here a raise by an interrupt that has no events.
    (
        CASE WHEN p.by_unseen THEN COALESCE(s.shown, 0) & ~9 ELSE COALESCE(s.shown, 0) END
        -- Without what was queued, no handshake's last segment is known.
        | CASE WHEN p.tells AND s.shown & 16 <> 0 THEN 512 ELSE 0 END
    )::USMALLINT AS shown,
    -- False where the tracer may have lost events of any cpu between the first point and the last.
    NOT lost_anywhere(
        l.windows,
        COALESCE(p.irq_ts, p.raise_ts, p.softirq_ts, p.ts),
        GREATEST(
            p.ts, p.poll_ts, p.answer_ts, p.exit_ts, w.waking_ts, w.in_ts, w.return_ts, w.read_ts,
            -- A read that is not seen may be lost at any later time.
            CASE WHEN w.return_ts IS NOT NULL AND w.read_ts IS NULL THEN 9223372036854775806 END
        )
    )
    AND (
        l.windows IS NULL
        OR (
            NOT p.is_hidden
            AND CASE
                -- The softirq's start may be lost.
                WHEN p.softirq_ts IS NULL THEN NOT lost_on(l.windows, p.cpu_id, 0, p.ts)
                ELSE p.exit_ts IS NOT NULL
            END
        )
    ) AS certain
FROM points AS p
LEFT JOIN rx_wakes AS w
    ON p.run_id = w.run_id AND p.tid = w.tid AND p.waking_ts = w.waking_ts
LEFT JOIN rx_shown AS s ON p.run_id = s.run_id
LEFT JOIN run_losses AS l ON p.run_id = l.run_id
ORDER BY p.run_id, p.ts;
