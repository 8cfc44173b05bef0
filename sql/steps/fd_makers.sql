-- The calls that return a new descriptor, and what it is.
CREATE VIEW fd_makers AS
SELECT
    -- The call.
    name,
    -- `socket`, `path`, `pipe` or `anon_inode`; NULL for a copy of another descriptor.
    kind,
    -- True where exec closes it whatever the call asks for.
    cloexec
FROM (
    VALUES
    ('open', 'path', false), ('openat', 'path', false), ('openat2', 'path', false),
    ('creat', 'path', false), ('open_by_handle_at', 'path', false), ('open_tree', 'path', false),
    ('mq_open', 'path', false),
    ('socket', 'socket', false), ('socketpair', 'socket', false), ('accept', 'socket', false),
    ('accept4', 'socket', false),
    ('pipe', 'pipe', false), ('pipe2', 'pipe', false),
    ('dup', NULL, false), ('dup2', NULL, false), ('dup3', NULL, false), ('fcntl', NULL, false),
    ('fcntl64', NULL, false),
    ('epoll_create', 'anon_inode', false), ('epoll_create1', 'anon_inode', false),
    ('eventfd', 'anon_inode', false), ('eventfd2', 'anon_inode', false),
    ('timerfd_create', 'anon_inode', false), ('signalfd', 'anon_inode', false),
    ('signalfd4', 'anon_inode', false), ('inotify_init', 'anon_inode', false),
    ('inotify_init1', 'anon_inode', false), ('memfd_create', 'anon_inode', false),
    ('memfd_secret', 'anon_inode', true), ('userfaultfd', 'anon_inode', false),
    ('fanotify_init', 'anon_inode', false), ('perf_event_open', 'anon_inode', false),
    ('pidfd_open', 'anon_inode', true), ('io_uring_setup', 'anon_inode', true),
    ('landlock_create_ruleset', 'anon_inode', true), ('fsopen', 'anon_inode', false),
    ('fspick', 'anon_inode', false), ('fsmount', 'anon_inode', false)
) AS makers (name, kind, cloexec);
