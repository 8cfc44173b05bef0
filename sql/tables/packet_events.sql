-- Each captured TCP packet beside the kernel's event of it, where the trace has one: a row a packet
-- and event, for a packet on loopback is both queued and received. What was split or joined between
-- the two is beside the event whose bytes hold it, or those whose bytes it holds.
CREATE TABLE packet_events (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The frame's number in its capture: `packets.frame`.
    frame INTEGER NOT NULL,
    -- The packet's time in the capture, ns since the Unix epoch: `packets.ts`.
    capture_ts BIGINT NOT NULL,
    -- Which event it is: `rx` (`net_if_receive_skb`) or `queue` (`net_dev_queue`).
    direction VARCHAR NOT NULL,
    -- The event's time, ns since the Unix epoch.
    event_ts BIGINT NOT NULL,
    -- The event's cpu.
    cpu_id INTEGER,
    -- The buffer's address; addresses are reused at once.
    skbaddr UBIGINT,
    -- How the two were matched: `exact` where they are one segment, `range` where the bytes of one
    -- lie in the other.
    match VARCHAR NOT NULL,
    -- When the driver took what was queued, ns since the Unix epoch; of a buffer that the stack
    -- split, the packet's own segment. NULL for `rx`, and where the trace does not show it.
    xmit_ts BIGINT,
    -- The connection: `connections.connection_id`.
    connection_id BIGINT,
    -- By how many ns the packet was captured before it was queued, beyond the resolution of the
    -- capture's times; 0 where it was not. NULL for `rx`.
    before_queue BIGINT,
    -- By how many ns it was captured after the driver took it; 0 where it was not. NULL where
    -- `xmit_ts` is.
    after_xmit BIGINT,
    -- False where the tracer may have lost events of any cpu between the two, or before a packet
    -- that comes before its event: then another event may be the packet's.
    certain BOOLEAN NOT NULL,
    -- The same up to the transmit.
    certain_to_end BOOLEAN NOT NULL
);
