-- How long a buffer waited in the device's queue: from the queue event to the transmit that the
-- driver took.
-- from: net_dev_queue
-- to: net_dev_xmit
-- requires: net_dev_queue, net_dev_xmit
CREATE VIEW queue_to_xmit AS
SELECT
    -- The run.
    t.run_id,
    -- When the buffer was handed to the queue, ns since the Unix epoch.
    t.ts,
    -- How long until the driver took it, ns.
    t.xmit_ts - t.ts AS dur,
    -- False where the tracer may have lost events of any cpu meanwhile.
    NOT lost_anywhere(l.windows, t.ts, t.xmit_ts) AS certain,
    -- The buffer's address; addresses are reused at once.
    t.skbaddr,
    -- How the two were matched: `skbaddr`, or `gso` where the stack split the buffer.
    t.match,
    -- The buffer's length in bytes, as it was queued.
    t.len,
    -- The cpu on which it was queued.
    t.cpu_id,
    -- The cpu on which the driver took it.
    t.xmit_cpu,
    -- The network device.
    t.device
FROM transmits AS t
LEFT JOIN run_losses AS l ON t.run_id = l.run_id
WHERE t.match IS NOT NULL AND NOT t.cleared;

-- What `queue_to_xmit` leaves out: buffers whose transmit the trace does not show.
CREATE VIEW queue_to_xmit_left_out AS
SELECT
    -- The run.
    run_id,
    -- `cleared_by_loss` where a loss began between the two, else `no_xmit`: dropped, still queued,
    -- or sent where no event tells.
    CASE WHEN cleared THEN 'cleared_by_loss' ELSE 'no_xmit' END AS reason,
    -- How many there were.
    COUNT(*) AS n
FROM transmits
WHERE match IS NULL OR cleared
GROUP BY ALL;
