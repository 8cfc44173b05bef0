-- The inode of descriptors that no snapshot of their process shows, where `/proc/net/tcp` shows
-- their socket by its connection.
-- completes: fds.inode, path
CREATE VIEW fd_inodes AS
SELECT
    -- The run.
    f.run_id,
    -- The descriptor's row in `fds`.
    f.rowid AS row_id,
    -- The inode.
    s.inode,
    -- The name that `/proc` would give.
    'socket:[' || s.inode || ']' AS path
FROM fds AS f
INNER JOIN sockets AS s ON f.run_id = s.run_id AND f.socket_id = s.socket_id
WHERE f.inode IS NULL AND s.inode IS NOT NULL;
