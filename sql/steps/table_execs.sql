-- When a process replaced its program, with its file table then.
CREATE VIEW table_execs AS
SELECT
    -- The run.
    b.run_id,
    -- The file table.
    COALESCE(f.table_id, b.pid) AS table_id,
    -- When it happened, ns since the Unix epoch.
    b.ts
FROM process_breaks AS b
LEFT JOIN file_tables AS f
    ON b.run_id = f.run_id AND b.pid = f.pid AND f.start_ts <= b.ts AND f.next_ts > b.ts
WHERE b.what = 'exec';
