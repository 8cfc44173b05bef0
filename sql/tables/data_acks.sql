-- Every segment with payload that the kernel queued, and the first ACK received that covers its
-- last byte. Where stacked devices queue a segment more than once, at the device that was first.
CREATE TABLE data_acks (
    -- The run.
    run_id INTEGER NOT NULL,
    -- When the segment was queued, ns since the Unix epoch.
    ts BIGINT NOT NULL,
    -- How long until the ACK was received, ns; NULL where there is no interval.
    dur BIGINT,
    -- Why there is none: `retransmitted` where any of its bytes was sent more than once, before or
    -- after, so that nothing tells which sending the ACK answers (Karn); `unacked` where no such
    -- ACK came; `cleared_by_loss` where one may be lost; NULL where there is one.
    reason VARCHAR,
    -- False where the tracer may have lost events of any cpu between the segment before it of that
    -- side, which might hide an earlier sending, and the ACK.
    certain BOOLEAN NOT NULL,
    -- The connection: `connections.connection_id`.
    connection_id BIGINT NOT NULL,
    -- True where the client sent it.
    from_client BOOLEAN NOT NULL,
    -- The cpu on which it was queued.
    cpu_id INTEGER,
    -- The buffer's address; addresses are reused at once.
    skbaddr UBIGINT,
    -- The sequence number.
    seq UINTEGER NOT NULL,
    -- The payload's length in bytes.
    payload_len INTEGER NOT NULL
);
