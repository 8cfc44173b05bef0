-- What each descriptor was first opened as: copies by `dup` and the like followed back, over tables
-- that were copied too. Each turn doubles the way, so that long chains of copies are no matter.
-- staged: several steps read it while a batch is loaded
CREATE VIEW fd_origins AS
WITH RECURSIVE
copies AS MATERIALIZED (
    SELECT t.run_id, t.node_id, CASE WHEN t.meant > 0 THEN t.meant ELSE i.node_id END AS from_node
    FROM fd_timeline AS t
    LEFT JOIN fd_inherited AS i
        ON
            t.run_id = i.run_id
            AND t.table_id = i.table_id
            AND t.fd = i.fd
            AND t.meant IS NULL
            AND (i.end_ts > t.ts OR i.end_ts IS NULL)
    WHERE t.what = 'dup'
),

-- No chain is longer than this power of two.
turns AS (SELECT COALESCE(CEIL(LOG2(COUNT(*) + 1)), 0) AS n FROM copies),

ways AS (
    SELECT run_id, node_id, from_node, 0 AS turn FROM copies
    UNION ALL
    SELECT w.run_id, w.node_id, COALESCE(o.from_node, w.from_node), w.turn + 1
    FROM ways AS w
    LEFT JOIN ways AS o ON w.from_node = o.node_id
    WHERE w.turn < (SELECT t.n FROM turns AS t)
)

SELECT
    -- The run.
    run_id,
    -- The copy: `fd_nodes.node_id`.
    node_id,
    -- What was opened: `fd_nodes.node_id`; NULL where nothing tells.
    from_node AS root_id
FROM ways
WHERE turn = (SELECT t.n FROM turns AS t);
