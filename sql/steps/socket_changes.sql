-- Every change of a TCP socket's state that calls, segments and snapshots tell of.
CREATE VIEW socket_changes AS
WITH
points AS (SELECT * FROM socket_points),

endings AS (
    SELECT *, UNNEST([fin_ts, fin_acked_ts, fin_received_ts, rst_ts]) AS ts
    FROM points
),

tcp AS (SELECT * FROM sockets WHERE protocol = 'tcp'),

held AS (
    SELECT k.*, p.socket_id IS NOT NULL AS has_connection
    FROM tcp AS k
    LEFT JOIN points AS p ON k.run_id = p.run_id AND k.socket_id = p.socket_id
)

SELECT
    -- The run.
    run_id,
    -- The socket's number within its run.
    socket_id,
    -- When it changed, or was seen, ns since the Unix epoch.
    syn_ts AS ts,
    -- The state from then on.
    'SYN_SENT' AS state,
    -- `syscall`, `segment`, `proc` or `close`.
    'segment' AS source
FROM points
WHERE syn_ts IS NOT NULL
UNION ALL
SELECT run_id, socket_id, syn_received_ts, 'SYN_RECV', 'segment'
FROM points
WHERE syn_received_ts IS NOT NULL
UNION ALL
SELECT run_id, socket_id, established_ts, 'ESTABLISHED', 'segment'
FROM points
WHERE established_ts IS NOT NULL
UNION ALL
-- There before the run.
SELECT run_id, socket_id, start_ts, 'ESTABLISHED', 'segment'
FROM points
WHERE syn_ts IS NULL AND syn_received_ts IS NULL AND established_ts IS NULL
UNION ALL
SELECT
    run_id,
    socket_id,
    ts,
    CASE
        WHEN rst_ts <= ts THEN 'CLOSE'
        WHEN fin_ts <= ts AND fin_received_ts <= ts
            THEN CASE
                WHEN fin_ts < fin_received_ts
                    THEN CASE WHEN fin_acked_ts <= ts THEN 'TIME_WAIT' ELSE 'CLOSING' END
                WHEN fin_acked_ts <= ts THEN 'CLOSE'
                ELSE 'LAST_ACK'
            END
        WHEN fin_received_ts <= ts THEN 'CLOSE_WAIT'
        WHEN fin_acked_ts <= ts THEN 'FIN_WAIT2'
        ELSE 'FIN_WAIT1'
    END,
    'segment'
FROM endings
WHERE ts IS NOT NULL
UNION ALL
SELECT k.run_id, k.socket_id, k.start_ts, 'CLOSE', 'syscall'
FROM held AS k
SEMI JOIN fds AS f
    ON
        k.run_id = f.run_id
        AND k.socket_id = f.socket_id
        AND k.start_ts = f.start_ts
        AND f.opened_by = 'socket'
UNION ALL
SELECT
    k.run_id,
    k.socket_id,
    -- What accepts listened before, if no call shows since when.
    CASE WHEN c.call = 'accepting' THEN k.start_ts ELSE c.exit_ts END,
    'LISTEN',
    'syscall'
FROM socket_evidence AS c
INNER JOIN tcp AS k ON c.run_id = k.run_id AND c.socket_id = k.socket_id
WHERE c.call = 'listen' OR (c.call = 'accepting' AND k.source <> 'syscall')
UNION ALL
-- A failed connect leaves the socket as it was; one that a signal or its nature cut short goes on.
SELECT k.run_id, k.socket_id, c.exit_ts, 'CLOSE', 'syscall'
FROM socket_evidence AS c
INNER JOIN held AS k ON c.run_id = k.run_id AND c.socket_id = k.socket_id
WHERE c.call = 'connect' AND c.ret < 0 AND c.ret NOT IN (-4, -106, -114, -115, -512)
UNION ALL
-- Where no segment tells.
SELECT k.run_id, k.socket_id, c.ts, 'SYN_SENT', 'syscall'
FROM socket_evidence AS c
INNER JOIN held AS k ON c.run_id = k.run_id AND c.socket_id = k.socket_id
WHERE c.call = 'connect' AND NOT k.has_connection
UNION ALL
SELECT k.run_id, k.socket_id, c.exit_ts, 'ESTABLISHED', 'syscall'
FROM socket_evidence AS c
INNER JOIN held AS k ON c.run_id = k.run_id AND c.socket_id = k.socket_id
WHERE NOT k.has_connection AND (c.call = 'accept' OR (c.call = 'connect' AND c.ret = 0))
UNION ALL
SELECT k.run_id, k.socket_id, k.end_ts, 'CLOSE', 'close'
FROM held AS k
INNER JOIN runs AS r ON k.run_id = r.run_id
WHERE NOT k.has_connection AND k.end_ts <= r.last_ts
UNION ALL
-- A snapshot is not exact in time: it tells where nothing else does. What listens without a call
-- that the trace shows did so before.
SELECT
    k.run_id,
    k.socket_id,
    CASE
        WHEN ARG_MIN(p.state, p.ts) = 'LISTEN' THEN ANY_VALUE(k.start_ts)
        ELSE MIN(COALESCE(d.read_ts, p.ts))
    END,
    ARG_MIN(p.state, p.ts),
    'proc'
FROM held AS k
INNER JOIN proc_tcp AS p ON k.run_id = p.run_id AND k.inode = p.inode
LEFT JOIN proc_reads AS d
    ON
        p.run_id = d.run_id
        AND p.ts = d.ts
        AND d.file = CASE WHEN p.family = 'ipv6' THEN 'net/tcp6' ELSE 'net/tcp' END
WHERE p.ts IS NOT NULL AND k.source <> 'syscall' AND NOT k.has_connection
GROUP BY k.run_id, k.socket_id;
