-- The way of each received TCP segment up the stack, one row each: the hardware interrupt that
-- raised the softirq, the raise, the softirq, GRO, the stack's receipt (`net_if_receive_skb`), the
-- answer that the stack sent by itself, the waking of the thread that waits on the segment's
-- socket, the end of the NAPI poll, the switch to the thread, the return of the call in which it
-- had waited, and the read. Segments that share a softirq share the points before GRO; one event
-- of a segment that GRO merged stands for several packets.
-- requires: net_if_receive_skb
CREATE VIEW rx_path AS
SELECT
    -- The run.
    run_id,
    -- When the stack took it (`net_if_receive_skb`), ns since the Unix epoch.
    ts,
    -- The cpu.
    cpu_id,
    -- The buffer's address; addresses are reused at once.
    skbaddr,
    -- The network device.
    device,
    -- The connection: `connections.connection_id`.
    connection_id,
    -- True where it came from the client.
    from_client,
    -- `syn`, `synack`, `handshake` (a handshake's final ACK, with or without payload), `data`,
    -- `fin` (without payload), `rst` or `ack`.
    kind,
    -- The sequence number.
    seq,
    -- The acknowledgement number.
    ack_seq,
    -- The flags: 1 FIN, 2 SYN, 4 RST, 8 PSH, 16 ACK.
    flags,
    -- The payload's length in bytes.
    payload_len,
    -- When the handler of the hardware interrupt that raised the softirq started, ns since the Unix
    -- epoch.
    irq_ts,
    -- When the softirq was raised, ns since the Unix epoch.
    raise_ts,
    -- When the NET_RX softirq that took it started, ns since the Unix epoch.
    softirq_ts,
    -- When the driver handed it to GRO, ns since the Unix epoch.
    gro_ts,
    -- When the stack queued its own answer (the first segment without payload back to the sender,
    -- in the same softirq), ns since the Unix epoch.
    answer_ts,
    -- The answer's flags.
    answer_flags,
    -- How many threads that waited on its socket it may have woken.
    woken,
    -- When the first of them was woken, ns since the Unix epoch.
    waking_ts,
    -- That thread.
    tid,
    -- How many segments could have caused that wake, this one among them.
    candidates,
    -- When the NAPI poll that took it ended, ns since the Unix epoch.
    poll_ts,
    -- When the thread came to a cpu, ns since the Unix epoch.
    in_ts,
    -- When the call in which it had waited returned, ns since the Unix epoch.
    return_ts,
    -- When its first call after that which receives or accepts on the socket returned, ns since the
    -- Unix epoch; the same where it had waited in that call itself.
    read_ts,
    -- For each point the time since the seen one before it, ns; NULL for the first, and for those
    -- that are not seen. They sum to `dur`.
    STRUCT_PACK(
        raise := raise_ts - irq_ts,
        softirq := softirq_ts - COALESCE(raise_ts, irq_ts),
        gro := gro_ts - COALESCE(softirq_ts, raise_ts, irq_ts),
        receive := ts - COALESCE(gro_ts, softirq_ts, raise_ts, irq_ts),
        answer := answer_ts - GREATEST(
            ts,
            CASE WHEN waking_ts < answer_ts THEN waking_ts END,
            CASE WHEN poll_ts < answer_ts THEN poll_ts END,
            CASE WHEN in_ts < answer_ts THEN in_ts END,
            CASE WHEN return_ts < answer_ts THEN return_ts END,
            CASE WHEN read_ts < answer_ts THEN read_ts END
        ),
        waking := waking_ts - GREATEST(
            ts,
            CASE WHEN answer_ts <= waking_ts THEN answer_ts END,
            CASE WHEN poll_ts < waking_ts THEN poll_ts END
        ),
        poll := poll_ts - GREATEST(
            ts,
            CASE WHEN answer_ts <= poll_ts THEN answer_ts END,
            CASE WHEN waking_ts <= poll_ts THEN waking_ts END,
            CASE WHEN in_ts < poll_ts THEN in_ts END,
            CASE WHEN return_ts < poll_ts THEN return_ts END,
            CASE WHEN read_ts < poll_ts THEN read_ts END
        ),
        switch_in := in_ts - GREATEST(
            waking_ts,
            CASE WHEN answer_ts <= in_ts THEN answer_ts END,
            CASE WHEN poll_ts <= in_ts THEN poll_ts END
        ),
        wait_return := return_ts - GREATEST(
            waking_ts,
            in_ts,
            CASE WHEN answer_ts <= return_ts THEN answer_ts END,
            CASE WHEN poll_ts <= return_ts THEN poll_ts END
        ),
        read := read_ts - GREATEST(
            waking_ts,
            in_ts,
            return_ts,
            CASE WHEN answer_ts <= read_ts THEN answer_ts END,
            CASE WHEN poll_ts <= read_ts THEN poll_ts END
        )
    ) AS stages,
    -- From the first point seen to the last, ns.
    GREATEST(ts, answer_ts, waking_ts, poll_ts, in_ts, return_ts, read_ts)
    - COALESCE(irq_ts, raise_ts, softirq_ts, gro_ts, ts) AS dur,
    -- The points that did not come, as the trace tells: no interrupt raised the softirq, the stack
    -- sent no answer, no thread was woken, ...
    absent,
    -- The points that the trace cannot show: their events were not traced, or lost, or lie outside
    -- of it, or which socket it was for is not known, or what a thread waited for that was woken.
    LIST_FILTER(
        [
            CASE WHEN irq_ts IS NULL THEN 'irq' END,
            CASE WHEN raise_ts IS NULL THEN 'raise' END,
            CASE WHEN softirq_ts IS NULL THEN 'softirq' END,
            CASE WHEN gro_ts IS NULL THEN 'gro' END,
            CASE WHEN answer_ts IS NULL THEN 'answer' END,
            CASE WHEN waking_ts IS NULL THEN 'waking' END,
            CASE WHEN poll_ts IS NULL THEN 'poll' END,
            CASE WHEN in_ts IS NULL THEN 'switch_in' END,
            CASE WHEN return_ts IS NULL THEN 'wait_return' END,
            CASE WHEN read_ts IS NULL THEN 'read' END
        ],
        LAMBDA point: point IS NOT NULL AND NOT LIST_CONTAINS(absent, point)
    ) AS unseen,
    -- False where the tracer may have lost events of any cpu between the first point and the last.
    certain
FROM (
    SELECT
        *,
        rx_points_absent(
            shown, certain, irq_ts, raise_ts, softirq_ts, gro_ts, answer_ts,
            certain AND waking_ts IS NULL AND softirq_ts IS NOT NULL AND shown & 964 = 964, poll_ts,
            return_ts, read_ts
        ) AS absent
    FROM store.received
) AS segments_received;
