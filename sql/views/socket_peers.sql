-- What calls say of sockets: the peer that `accept` or `connect` names (on other machines than
-- x86-64 they name none), and `listen`.
-- staged: several steps read it while a batch is loaded
CREATE VIEW socket_peers AS
WITH
-- A connecting thread queues its SYN inside the call, which tells its own port.
syns AS (
    SELECT run_id, ctx_tid, ts, saddr, sport, daddr, dport, seq
    FROM tcp_segments
    WHERE direction = 'queue' AND flags & 18 = 2
),

peers AS (
    SELECT
        c.run_id, c.pid, a.fd, a.exit_ts AS ts, a.saddr AS peer, a.sport AS peer_port,
        NULL AS own_addr, NULL AS own_port, NULL AS seq, 'accept' AS call
    FROM accepts AS a
    INNER JOIN fd_calls AS c ON a.run_id = c.run_id AND a.tid = c.tid AND a.exit_ts = c.exit_ts
    WHERE c.name IN ('accept', 'accept4')
    UNION ALL
    SELECT
        c.run_id, c.pid, e.fd, e.ts, COALESCE(e.addr, s.daddr),
        CASE WHEN e.addr IS NOT NULL THEN e.dport ELSE s.dport END,
        s.saddr, s.sport, s.seq, 'connect'
    FROM event.syscall_entry_connect AS e
    INNER JOIN fd_calls AS c ON e.run_id = c.run_id AND e.ctx_tid = c.tid AND e.ts = c.entry_ts
    LEFT JOIN syns AS s
        ON c.run_id = s.run_id AND c.tid = s.ctx_tid AND s.ts BETWEEN c.entry_ts AND c.exit_ts
    WHERE c.name = 'connect' AND c.ret IN (0, -115)
    UNION ALL
    SELECT c.run_id, c.pid, e.fd, e.ts, NULL, NULL, NULL, NULL, NULL, 'listen'
    FROM event.syscall_entry_listen AS e
    INNER JOIN fd_calls AS c ON e.run_id = c.run_id AND e.ctx_tid = c.tid AND e.ts = c.entry_ts
    WHERE c.name = 'listen' AND c.ret = 0
)

SELECT
    -- The run.
    f.run_id,
    -- The socket's number within its run.
    f.socket_id,
    -- When the call named it, ns since the Unix epoch; NULL for `listen`.
    ARG_MAX(p.ts, p.ts) FILTER (WHERE p.call <> 'listen') AS ts,
    -- The peer's address.
    ARG_MAX(p.peer, p.ts) AS peer,
    -- The peer's port.
    ARG_MAX(p.peer_port, p.ts) AS peer_port,
    -- The own address, as the SYN that `connect` sent shows it.
    ARG_MAX(p.own_addr, p.ts) AS own_addr,
    -- The own port, likewise.
    ARG_MAX(p.own_port, p.ts) AS own_port,
    -- That SYN's sequence number.
    ARG_MAX(p.seq, p.ts) AS seq,
    -- True for a socket that `accept` made.
    BOOL_OR(p.call = 'accept') AS accepted,
    -- True for a socket that listens.
    BOOL_OR(p.call = 'listen') AS listens
FROM fds AS f
INNER JOIN peers AS p
    ON
        f.run_id = p.run_id
        AND f.pid = p.pid
        AND f.fd = p.fd
        AND p.ts >= f.start_ts
        AND p.ts < f.end_ts
WHERE f.socket_id IS NOT NULL
GROUP BY f.run_id, f.socket_id;
