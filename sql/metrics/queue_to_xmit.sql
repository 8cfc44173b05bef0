-- How long a buffer waited in the device's queue: from the queue event to the transmit that the
-- driver took.
-- from: net_dev_queue
-- to: net_dev_xmit
-- requires: net_dev_queue, net_dev_xmit
CREATE VIEW queue_to_xmit AS
SELECT
    -- The run.
    run_id,
    -- When the buffer was handed to the queue, ns since the Unix epoch.
    ts,
    -- How long until the driver took it, ns.
    xmit_ts - ts AS dur,
    -- False where the tracer may have lost events of any cpu meanwhile.
    certain,
    -- The buffer's address; addresses are reused at once.
    skbaddr,
    -- How the two were matched: `skbaddr`, or `gso` where the stack split the buffer.
    match,
    -- The buffer's length in bytes, as it was queued.
    len,
    -- The cpu on which it was queued.
    cpu_id,
    -- The cpu on which the driver took it.
    xmit_cpu,
    -- The network device.
    device
FROM transmits
WHERE match IS NOT NULL AND NOT cleared;

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
