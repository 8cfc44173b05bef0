-- What names an epoll, however often its descriptor is copied or inherited: the process, descriptor
-- and time of its origin, else the process and descriptor that use it. A scalar macro.
CREATE MACRO epoll_origin(root_pid, root_fd, root_ts, pid, fd) AS CASE
    WHEN root_ts IS NULL THEN STRUCT_PACK(pid := pid::INTEGER, fd := fd::INTEGER, ts := 0::BIGINT)
    ELSE STRUCT_PACK(pid := root_pid::INTEGER, fd := root_fd::INTEGER, ts := root_ts::BIGINT)
END;
