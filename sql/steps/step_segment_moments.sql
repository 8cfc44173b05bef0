-- The moments of the steps that segments show: each segment of note, with its interrupt, softirq,
-- capture, transmit and the wake that it brought.
CREATE VIEW step_segment_moments AS
SELECT
    -- The run.
    s.run_id,
    -- The connection.
    s.connection_id,
    -- The end: `server` or `client`.
    s.role,
    -- The part of the story: `connect`, `send`, `receive` or `end`.
    s.scene,
    -- Which of the parts of that name.
    s.anchor,
    -- What happened: the segment (as `step_segment_parts.kind`) and the point, as
    -- `step_patterns.keys` names it.
    s.kind || p.point AS key,
    -- When, ns since the Unix epoch.
    p.ts,
    -- The event.
    p.event,
    -- The thread: the one that was woken, else the one that was current.
    p.tid,
    -- The cpu; NULL where not known.
    p.cpu_id,
    -- The name of the event's field of note.
    CASE p.point WHEN ' interrupt' THEN 'irq' WHEN ' softirq' THEN 'vec' END AS argument,
    -- That field.
    CASE p.point WHEN ' interrupt' THEN h.irq WHEN ' softirq' THEN 3 END::BIGINT AS value,
    -- The buffer's address; the packet's columns are of rows that show it.
    CASE WHEN p.shows AND p.event <> 'packet' THEN s.skbaddr END AS skbaddr,
    -- The sequence number.
    CASE WHEN p.shows THEN s.seq END AS seq,
    -- The acknowledgement number.
    CASE WHEN p.shows THEN s.ack_seq END AS ack_seq,
    -- The flags.
    CASE WHEN p.shows THEN s.flags END AS flags,
    -- The payload's length in bytes.
    CASE WHEN p.shows THEN s.payload_len END AS payload_len,
    -- The frame in the capture.
    CASE WHEN p.event = 'packet' THEN s.frame END AS frame,
    -- How often it came in this part of the story.
    s.times,
    -- The payload's bytes of all of them.
    CASE WHEN p.shows OR p.point = ' transmitted' THEN s.bytes END AS bytes
FROM step_segment_parts AS s
LEFT JOIN hardirqs AS h ON s.run_id = h.run_id AND s.irq_ts = h.ts AND s.cpu_id = h.cpu_id
CROSS JOIN LATERAL (
    VALUES
    (' interrupt', s.irq_ts, 'irq_handler_entry', NULL::INTEGER, s.cpu_id, false),
    (' softirq', s.softirq_ts, 'irq_softirq_entry', NULL, s.cpu_id, false),
    (
        CASE WHEN s.comes THEN ' received' ELSE ' queued' END, s.ts,
        CASE WHEN s.comes THEN 'net_if_receive_skb' ELSE 'net_dev_queue' END, s.ctx_tid,
        s.cpu_id, true
    ),
    (' captured', s.capture_ts, 'packet', NULL, NULL, true),
    (' transmitted', s.xmit_ts, 'net_dev_xmit', NULL, NULL, false),
    (' answered', s.answer_ts, 'net_dev_queue', s.ctx_tid, s.cpu_id, false),
    (' wakes', s.waking_ts, 'sched_waking', s.waiter_tid, s.cpu_id, false),
    (
        ' is pure',
        -- Nothing is to come where the trace cannot tell whom it woke.
        CASE
            WHEN
                s.kind = 'ack' AND s.payload_len = 0 AND s.flags & 7 = 0
                AND (s.wakes_nobody OR s.waking_ts IS NOT NULL OR NOT s.rx_certain)
                THEN s.ts
        END,
        NULL, NULL, NULL, false
    ),
    (
        ' wakes nobody',
        CASE
            WHEN
                s.kind = 'ack' AND s.payload_len = 0 AND s.flags & 7 = 0 AND s.wakes_nobody
                THEN s.ts
        END,
        'net_if_receive_skb', s.ctx_tid, s.cpu_id, false
    ),
    (' runs', s.in_ts, 'sched_switch', s.waiter_tid, NULL, false),
    (' blocks', s.block_ts, 'syscall_entry_' || s.block_name, s.waiter_tid, NULL, false)
) AS p (point, ts, event, tid, cpu_id, shows)
WHERE p.ts IS NOT NULL;
