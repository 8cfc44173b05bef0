-- What calls say of sockets, the last of each: the peer that `accept` or `connect` names, and
-- `listen`.
-- staged: several steps read it while a batch is loaded
CREATE VIEW socket_peers AS
SELECT
    -- The run.
    run_id,
    -- The socket's number within its run.
    socket_id,
    -- When the call named it, ns since the Unix epoch; NULL for `listen`.
    ARG_MAX(ts, ts) FILTER (WHERE call <> 'listen') AS ts,
    -- The peer's address.
    ARG_MAX(peer, ts) AS peer,
    -- The peer's port.
    ARG_MAX(peer_port, ts) AS peer_port,
    -- The own address, as the SYN that `connect` sent shows it.
    ARG_MAX(own_addr, ts) AS own_addr,
    -- The own port, likewise.
    ARG_MAX(own_port, ts) AS own_port,
    -- That SYN's sequence number.
    ARG_MAX(seq, ts) AS seq,
    -- True for a socket that `accept` made.
    BOOL_OR(call = 'accept') AS accepted,
    -- True for a socket that listens.
    BOOL_OR(call = 'listen') AS listens,
    -- How many connections its last `listen` lets wait; NULL for none.
    ARG_MAX(backlog, ts) AS backlog
FROM socket_evidence
WHERE call <> 'accepting' AND (call <> 'connect' OR ret IN (0, -115))
GROUP BY run_id, socket_id;
