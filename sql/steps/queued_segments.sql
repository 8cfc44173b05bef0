-- Every TCP segment that was handed to a device's queue, and whether a softirq ran there: one may
-- queue for others inside a thread's call.
-- staged: several steps read it while a batch is loaded
CREATE VIEW queued_segments AS
SELECT
    -- The run.
    g.run_id,
    -- When it was queued, ns since the Unix epoch.
    g.ts,
    -- The cpu.
    g.cpu_id,
    -- The thread that was current there.
    g.ctx_tid,
    -- The buffer's address.
    g.skbaddr,
    -- The source address.
    g.saddr,
    -- The source port.
    g.sport,
    -- The destination address.
    g.daddr,
    -- The destination port.
    g.dport,
    -- The flags.
    g.flags,
    -- The payload's length in bytes.
    g.payload_len,
    -- True in a softirq, and in no handler that interrupted it.
    s.ts IS NOT NULL
    AND COALESCE(s.exit_ts >= g.ts, true)
    AND NOT cleared_on(l.windows, g.cpu_id, s.ts, g.ts)
    AND COALESCE(h.end_ts < g.ts, true) AS in_softirq
FROM tcp_segments AS g
LEFT JOIN run_losses AS l ON g.run_id = l.run_id
ASOF LEFT JOIN handler_spans AS h
    ON g.run_id = h.run_id AND g.cpu_id = h.cpu_id AND g.ts >= h.start_ts
ASOF LEFT JOIN softirq_pairs AS s
    ON g.run_id = s.run_id AND g.cpu_id = s.cpu_id AND g.ts > s.ts
WHERE g.direction = 'queue';
