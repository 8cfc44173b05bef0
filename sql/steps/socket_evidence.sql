-- Every call that tells of a socket, with the socket: `listen`, `connect`, and `accept` twice, for
-- the socket that it made and, as `accepting`, for the one that listens. On other machines than
-- x86-64 the calls name no peer.
-- staged: several steps read it while a batch is loaded
CREATE VIEW socket_evidence AS
WITH
-- A connecting thread queues its SYN inside the call, which tells its own port.
syns AS (
    SELECT run_id, ctx_tid, ts, saddr, sport, daddr, dport, seq
    FROM tcp_segments
    WHERE direction = 'queue' AND flags & 18 = 2
),

calls AS (
    SELECT
        c.run_id, c.pid, a.fd, a.exit_ts AS ts, c.entry_ts, c.exit_ts, c.ret, 'accept' AS call,
        a.saddr AS peer, a.sport AS peer_port, NULL AS own_addr, NULL AS own_port, NULL AS seq,
        NULL::INTEGER AS backlog
    FROM accepts AS a
    INNER JOIN fd_calls AS c ON a.run_id = c.run_id AND a.tid = c.tid AND a.exit_ts = c.exit_ts
    WHERE c.name IN ('accept', 'accept4')
    UNION ALL
    SELECT
        c.run_id, c.pid, a.listen_fd, a.entry_ts AS ts, c.entry_ts, c.exit_ts, c.ret, 'accepting',
        NULL, NULL, NULL, NULL, NULL, NULL
    FROM accepts AS a
    INNER JOIN fd_calls AS c ON a.run_id = c.run_id AND a.tid = c.tid AND a.exit_ts = c.exit_ts
    WHERE c.name IN ('accept', 'accept4') AND a.entry_ts IS NOT NULL
    UNION ALL
    SELECT
        c.run_id, c.pid, e.fd, e.ts, c.entry_ts, c.exit_ts, c.ret, 'connect',
        COALESCE(e.addr, s.daddr),
        CASE WHEN e.addr IS NOT NULL THEN e.dport ELSE s.dport END,
        s.saddr, s.sport, s.seq, NULL
    FROM event.syscall_entry_connect AS e
    INNER JOIN fd_calls AS c ON e.run_id = c.run_id AND e.ctx_tid = c.tid AND e.ts = c.entry_ts
    LEFT JOIN syns AS s
        ON c.run_id = s.run_id AND c.tid = s.ctx_tid AND s.ts BETWEEN c.entry_ts AND c.exit_ts
    WHERE c.name = 'connect'
    UNION ALL
    SELECT
        c.run_id, c.pid, e.fd, e.ts, c.entry_ts, c.exit_ts, c.ret, 'listen',
        NULL, NULL, NULL, NULL, NULL, e.backlog
    FROM event.syscall_entry_listen AS e
    INNER JOIN fd_calls AS c ON e.run_id = c.run_id AND e.ctx_tid = c.tid AND e.ts = c.entry_ts
    WHERE c.name = 'listen' AND c.ret = 0
),

-- What the descriptor was: its last meaning that had begun, if it had not ended.
placed AS (
    SELECT
        *,
        LAST_VALUE(CASE WHEN call IS NULL THEN held END IGNORE NULLS) OVER (
            PARTITION BY run_id, pid, fd ORDER BY ts, call IS NOT NULL
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS was
    FROM (
        SELECT
            run_id, pid, fd, start_ts AS ts, NULL AS call,
            STRUCT_PACK(socket_id := socket_id, end_ts := end_ts) AS held
        FROM fds
        WHERE socket_id IS NOT NULL
        UNION ALL BY NAME
        SELECT * FROM calls
    ) AS marks
)

SELECT
    -- The run.
    run_id,
    -- The socket's number within its run.
    was.socket_id,
    -- `accept`, `accepting`, `connect` or `listen`.
    call,
    -- The process.
    pid,
    -- The descriptor.
    fd,
    -- When the call named the socket, ns since the Unix epoch: when it began, for the socket that
    -- `accept` made when it returned.
    ts,
    -- When it began, ns since the Unix epoch; NULL where that was before the trace.
    entry_ts,
    -- When it returned, ns since the Unix epoch.
    exit_ts,
    -- What it returned.
    ret,
    -- The peer's address, as `accept` or `connect` names it.
    peer,
    -- The peer's port.
    peer_port,
    -- The own address, as the SYN that `connect` sent shows it.
    own_addr,
    -- The own port, likewise.
    own_port,
    -- That SYN's sequence number.
    seq,
    -- How many connections `listen` lets wait.
    backlog
FROM placed
WHERE call IS NOT NULL AND was.end_ts > ts;
