-- The way of each queued TCP segment down the stack, one row each: the entry of the call that
-- queued it (a softirq queues answers, acknowledgements and what is sent anew, outside of any
-- call), the device's queue (`net_dev_queue`), the capture, the freeing of the buffer
-- (`skb_consume` or `skb_kfree`), the driver's transmit (`net_dev_xmit`), and the exit of the call.
-- Of a buffer that the stack splits (GSO), capture and transmit are those of the first of its
-- segments; `packet_events` has each.
-- requires: net_dev_queue
CREATE VIEW tx_path AS
SELECT
    -- The run.
    run_id,
    -- When it was handed to the device's queue (`net_dev_queue`), ns since the Unix epoch.
    ts,
    -- The cpu.
    cpu_id,
    -- The buffer's address; addresses are reused at once.
    skbaddr,
    -- The network device.
    device,
    -- The connection: `connections.connection_id`.
    connection_id,
    -- True where it goes from the client to the server.
    from_client,
    -- The sequence number.
    seq,
    -- The acknowledgement number.
    ack_seq,
    -- The flags: 1 FIN, 2 SYN, 4 RST, 8 PSH, 16 ACK.
    flags,
    -- The payload's length in bytes.
    payload_len,
    -- True where any of its sequence numbers was sent before.
    retransmission,
    -- What queued it: `call` (a system call of the current thread), `softirq`, or `task` (a thread
    -- outside of any call: one of the kernel's, or one whose call has just returned and left the
    -- rest to its way back, as `close` does in some kernels); NULL where the trace does not tell.
    context,
    -- The thread, in a call or outside of one; NULL in a softirq, and where that is not known.
    tid,
    -- The call's name; NULL for none.
    name,
    -- The call's descriptor, where the call has one and the trace shows it.
    fd,
    -- When the call began, ns since the Unix epoch.
    entry_ts,
    -- When the first packet of it was captured, ns since the Unix epoch; up to the resolution of
    -- the capture's times early.
    capture_ts,
    -- How many captured packets are of it.
    packets,
    -- When the buffer was freed, ns since the Unix epoch: by the driver, even before the event of
    -- the transmit, or by the stack, which splits it.
    consume_ts,
    -- When the driver took it, ns since the Unix epoch.
    xmit_ts,
    -- When the call returned, ns since the Unix epoch.
    exit_ts,
    -- For each point the time since the one before it, in this order, that is seen, ns; NULL for
    -- the first, and for those that are not seen. Below 0 where a point came before that one: the
    -- buffer may be freed before it is captured or taken, the call return before the transmit. They
    -- sum to `dur`.
    STRUCT_PACK(
        queue := ts - entry_ts,
        capture := capture_ts - ts,
        consume := consume_ts - COALESCE(capture_ts, ts),
        xmit := xmit_ts - COALESCE(consume_ts, capture_ts, ts),
        exit := exit_ts - COALESCE(xmit_ts, consume_ts, capture_ts, ts)
    ) AS stages,
    -- From the first point that is seen (the call's entry, else the queue) to the last (the call's
    -- exit, else the transmit, ...), ns.
    COALESCE(exit_ts, xmit_ts, consume_ts, capture_ts, ts) - COALESCE(entry_ts, ts) AS dur,
    -- The points that there are none of: no call queued it, or one that never returns.
    CASE
        WHEN context <> 'call' THEN ['entry', 'exit']
        WHEN name IN ('exit_group', 'exit') THEN ['exit']
        ELSE []::VARCHAR[]
    END AS absent,
    -- The points that the trace or the capture cannot show: their events were not traced, or lost,
    -- or lie outside of it.
    LIST_FILTER(
        [
            CASE WHEN entry_ts IS NULL THEN 'entry' END,
            CASE WHEN capture_ts IS NULL THEN 'capture' END,
            CASE WHEN consume_ts IS NULL THEN 'consume' END,
            CASE WHEN xmit_ts IS NULL THEN 'xmit' END,
            CASE WHEN exit_ts IS NULL THEN 'exit' END
        ],
        LAMBDA point: point IS NOT NULL AND NOT LIST_CONTAINS(absent, point)
    ) AS unseen,
    -- False where the tracer may have lost events of any cpu between the first point and the last.
    certain
FROM store.sent;
