-- The write calls on what is a TCP socket, or may be one: a descriptor that is known to be none is
-- none, an unknown one may be.
CREATE VIEW socket_writes AS
SELECT
    -- The run.
    w.run_id,
    -- The thread.
    w.tid,
    -- The thread's process.
    w.pid,
    -- The call's name.
    w.name,
    -- The descriptor.
    w.fd,
    -- When the call began, ns since the Unix epoch.
    w.entry_ts,
    -- When it returned, ns since the Unix epoch.
    w.exit_ts,
    -- What it returned.
    w.ret,
    -- True where the descriptor is known to be a TCP socket.
    COALESCE(s.protocol = 'tcp', false) AS is_tcp,
    -- The connection; NULL where the descriptor's is not known.
    s.connection_id,
    -- The socket's own address, where the connection is known.
    s.saddr,
    -- Its own port.
    s.sport,
    -- The peer's address.
    s.daddr,
    -- The peer's port.
    s.dport
FROM write_calls AS w
LEFT JOIN sockets AS s ON w.run_id = s.run_id AND w.socket_id = s.socket_id
WHERE
    (w.kind IS NULL OR w.kind = 'socket')
    AND (s.protocol IS NULL OR s.protocol = 'tcp')
    AND (s.type IS NULL OR s.type = 'stream')
    AND (s.family IS NULL OR s.family IN ('ipv4', 'ipv6'));
