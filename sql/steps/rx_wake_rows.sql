-- The rows of `rx_wakes`.
-- fills: rx_wakes
CREATE VIEW rx_wake_rows AS
WITH
caused AS (
    SELECT
        run_id,
        tid,
        waking_ts,
        ANY_VALUE(cpu_id) AS cpu_id,
        ANY_VALUE(pid) AS pid,
        ANY_VALUE(name) AS name,
        ANY_VALUE(kind) AS call_kind,
        ANY_VALUE(entry_ts) AS entry_ts,
        ANY_VALUE(exit_ts) AS exit_ts,
        ANY_VALUE(in_ts) AS in_ts,
        MIN(rx_ts) AS ts,
        COUNT(DISTINCT STRUCT_PACK(ts := rx_ts, skbaddr := skbaddr)) AS candidates,
        MIN(rx_ts) FILTER (WHERE counts) AS counted_ts,
        COUNT(DISTINCT STRUCT_PACK(ts := rx_ts, skbaddr := skbaddr)) FILTER (WHERE counts)
            AS counted,
        ARG_MIN(cause, rx_ts) AS kind,
        ARG_MIN(cause, rx_ts) FILTER (WHERE counts) AS counted_kind,
        -- One that counts before one that does not, then the first.
        ARG_MIN(connection_id, (NOT counts, rx_ts)) AS connection_id,
        ARG_MIN(from_client, (NOT counts, rx_ts)) AS from_client,
        ARG_MIN(socket_id, (NOT counts, rx_ts, fd)) AS socket_id,
        ARG_MIN(fd, (NOT counts, rx_ts, fd)) AS fd
    FROM rx_causes
    GROUP BY run_id, tid, waking_ts
),

-- The thread's calls on the socket beside its returns.
reads AS (
    SELECT
        *,
        MIN(CASE WHEN place = 1 THEN end_ts END) OVER (
            PARTITION BY run_id, tid, socket_id ORDER BY ts, place
            ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        ) AS read_ts
    FROM (
        SELECT run_id, tid, socket_id, exit_ts AS ts, 0 AS place, waking_ts, NULL AS end_ts
        FROM caused
        WHERE call_kind IN ('select', 'poll', 'epoll') AND exit_ts IS NOT NULL
        UNION ALL
        SELECT run_id, tid, socket_id, entry_ts, 1, NULL, exit_ts
        FROM socket_calls
        WHERE kind IN ('accept', 'receive') AND NOT cleared
    ) AS marks
)

SELECT
    -- The run.
    c.run_id,
    -- When the first segment that could have caused it was received, ns since the Unix epoch.
    c.ts,
    -- The cpu.
    c.cpu_id,
    -- When the thread was woken, ns since the Unix epoch.
    c.waking_ts,
    -- The thread.
    c.tid,
    -- The thread's process.
    c.pid,
    -- `data`, `fin`, `rst`, `handshake` or `ack`.
    c.kind,
    -- How many segments could have caused it.
    c.candidates::INTEGER AS candidates,
    -- The first of those with payload, FIN or RST, ns since the Unix epoch; NULL for none.
    c.counted_ts,
    -- That one's kind.
    c.counted_kind,
    -- How many have payload, FIN or RST.
    c.counted::INTEGER AS counted,
    -- The connection.
    c.connection_id,
    -- True where the segment came from the client.
    c.from_client,
    -- The socket that the thread waited on.
    c.socket_id,
    -- The thread's descriptor for it.
    c.fd,
    -- The call in which it slept.
    c.name,
    -- When that began, ns since the Unix epoch.
    c.entry_ts,
    -- When the thread came to a cpu, ns since the Unix epoch.
    c.in_ts,
    -- When the call returned, ns since the Unix epoch.
    c.exit_ts AS return_ts,
    -- When the thread had read from the socket, ns since the Unix epoch.
    CASE WHEN c.call_kind IN ('accept', 'receive') THEN c.exit_ts ELSE r.read_ts END AS read_ts,
    -- False where the tracer may have lost events of any cpu between the first segment that counts,
    -- else the first, and the waking.
    NOT lost_anywhere(l.windows, COALESCE(c.counted_ts, c.ts), c.waking_ts) AS certain,
    -- The same up to the last of the points that follow.
    NOT lost_anywhere(
        l.windows,
        COALESCE(c.counted_ts, c.ts),
        GREATEST(c.waking_ts, c.in_ts, c.exit_ts, r.read_ts)
    ) AS certain_to_end
FROM caused AS c
LEFT JOIN run_losses AS l ON c.run_id = l.run_id
LEFT JOIN reads AS r
    ON c.run_id = r.run_id AND c.tid = r.tid AND c.waking_ts = r.waking_ts AND r.place = 0
ORDER BY c.run_id, c.ts;
