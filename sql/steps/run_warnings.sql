-- The warnings of runs whose snapshots of `/proc/PID/fd` contradict the events, with those that
-- name each contradiction, at most ten.
-- completes: runs.warnings
CREATE VIEW run_warnings AS
WITH
told AS (
    SELECT
        c.run_id,
        COUNT(*) AS n,
        LIST(
            CONCAT(
                'run ', r.name, ': /proc/', c.pid, '/fd contradicts the events: fd ', c.fd,
                ' of process ', c.pid, ' at ', c.ts, ': the events say ', c.events_say,
                ', the snapshot says ', c.proc_says
            )
            ORDER BY c.ts, c.pid, c.fd
        ) AS texts
    FROM fd_contradictions AS c
    INNER JOIN runs AS r ON c.run_id = r.run_id
    GROUP BY c.run_id
)

SELECT
    -- The run.
    r.run_id,
    -- The run's row in `runs`.
    r.rowid AS row_id,
    -- All its warnings.
    LIST_CONCAT(
        r.warnings,
        t.texts[1:10],
        CASE
            WHEN t.n > 10 THEN ['and ' || (t.n - 10) || ' more, in the table fd_contradictions']
            ELSE []
        END
    ) AS warnings
FROM runs AS r
INNER JOIN told AS t ON r.run_id = t.run_id;
