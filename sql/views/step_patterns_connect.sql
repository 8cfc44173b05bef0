-- The steps by which a connection comes to be, from exec to accept or the end of connect; columns
-- as in `step_patterns`, lists as texts. One text holds them all, a step up to each semicolon:
-- DuckDB plans that sooner than as many values.
CREATE VIEW step_patterns_connect AS
SELECT
    -- Which end's story.
    TRIM(cells[1]) AS role,
    -- Where it stands.
    TRIM(cells[2])::INTEGER AS place,
    -- The step's name.
    TRIM(cells[3]) AS step,
    -- Its moments.
    TRIM(cells[4]) AS keys,
    -- What makes it to come.
    TRIM(cells[5]) AS needs,
    -- What excuses its lack.
    TRIM(cells[6]) AS excuses,
    -- What it follows.
    TRIM(cells[7]) AS follows,
    -- The event class without which it cannot be seen.
    TRIM(cells[8]) AS class,
    -- Why it is missing.
    TRIM(cells[9]) AS lack
FROM (
    SELECT
        STRING_SPLIT(
            UNNEST(STRING_SPLIT(REGEXP_REPLACE(lines, '\s+', ' ', 'g'), ';')), '|'
        ) AS cells
    FROM (
        SELECT
            'server | 1 | exec | exec | was running | was running |  | sched_process_exec |;
            server | 2 | socket | socket | * | was open, is unknown | exec | syscall_entry_socket |
                no call made the listening socket;
            server | 3 | setsockopt | setsockopt |  |  | socket |  |;
            server | 4 | bind | bind | * | was open, is unknown | socket | syscall_entry_bind | no
                call bound the listening socket to its address;
            server | 5 | listen | listen | * | was open, is unknown | socket, bind |
                syscall_entry_listen | no call made the socket listen;
            server | 6 | fcntl | fcntl |  |  | socket |  |;
            server | 7 | epoll_create | epoll_create | epoll add | was open |  |  | no call made the
                epoll descriptor;
            server | 8 | epoll_ctl | epoll add |  |  | epoll_create, socket |  |;
            server | 9 | wait | wait |  |  | listen |  |;
            server | 10 | SYN: interrupt | syn interrupt |  |  |  |  |;
            server | 11 | SYN: softirq | syn softirq |  |  | SYN: interrupt |  |;
            server | 12 | SYN received | syn received | * | was connected | listen, SYN: softirq |
                net_if_receive_skb | no SYN was received;
            server | 13 | SYN captured | syn captured | syn received |  |  | packet | the capture
                does not hold it;
            server | 14 | SYN-ACK queued | synack queued | syn received |  | SYN received |
                net_dev_queue | the stack did not answer the SYN;
            server | 15 | SYN-ACK captured | synack captured | synack queued |  | SYN-ACK queued |
                packet | the capture does not hold it;
            server | 16 | SYN-ACK transmitted | synack transmitted | synack queued |  | SYN-ACK
                queued | net_dev_xmit | no driver took it;
            server | 17 | ACK: interrupt | final ack interrupt |  |  |  |  |;
            server | 18 | ACK: softirq | final ack softirq |  |  | ACK: interrupt |  |;
            server | 19 | ACK received | final ack received | * | was connected | SYN-ACK queued,
                ACK: softirq | net_if_receive_skb | nobody acknowledged the SYN-ACK;
            server | 20 | ACK captured | final ack captured | final ack received |  |  | packet |
                the capture does not hold it;
            server | 21 | wake | final ack wakes | sleeps |  | ACK received | sched_waking | the ACK
                did not wake the thread that slept in its wait and then accepted;
            server | 22 | switch in | final ack runs | final ack wakes |  | wake | sched_switch |
                the woken thread did not come to a cpu;
            server | 23 | wait returns | return |  |  | wait, switch in |  |;
            server | 24 | accept | accept | * | was connected, is nameless | ACK received, switch
                in, wait returns | syscall_exit_accept, syscall_exit_accept4 | no call accepted the
                connection;
            server | 25 | fork | fork |  |  | accept |  |;
            server | 26 | parent closes its copy | parent close |  |  | fork |  |;
            server | 27 | child closes the listening socket | child close |  |  | fork |  |;
            server | 28 | close of the listening socket | close listener |  |  | accept |  |;
            server | 29 | fcntl of the new descriptor | data fcntl |  |  | accept |  |;
            server | 30 | epoll_ctl of the new descriptor | data epoll add |  |  | accept |  |;
            client | 1 | exec | exec | was running | was running |  | sched_process_exec |;
            client | 2 | socket | socket | * | was open, is unknown | exec | syscall_entry_socket |
                no call made the socket;
            client | 3 | setsockopt | setsockopt |  |  | socket |  |;
            client | 4 | bind | bind |  |  | socket |  |;
            client | 5 | fcntl | fcntl |  |  | socket |  |;
            client | 6 | connect | connect | * | was open, is unknown, was connected | socket |
                syscall_entry_connect | no call connected the socket;
            client | 7 | SYN queued | syn queued | * | was connected | connect | net_dev_queue | no
                SYN was sent;
            client | 8 | SYN captured | syn captured | syn queued |  | SYN queued | packet | the
                capture does not hold it;
            client | 9 | SYN transmitted | syn transmitted | syn queued |  | SYN queued |
                net_dev_xmit | no driver took it;
            client | 10 | wait | wait |  |  | connect |  |;
            client | 11 | SYN-ACK: interrupt | synack interrupt |  |  |  |  |;
            client | 12 | SYN-ACK: softirq | synack softirq |  |  | SYN-ACK: interrupt |  |;
            client | 13 | SYN-ACK received | synack received | syn queued |  | SYN queued, SYN-ACK:
                softirq | net_if_receive_skb | nobody answered the SYN;
            client | 14 | SYN-ACK captured | synack captured | synack received |  |  | packet | the
                capture does not hold it;
            client | 15 | wake | synack wakes |  |  | SYN-ACK received |  |;
            client | 16 | ACK queued | final ack queued | synack received |  | SYN-ACK received |
                net_dev_queue | the stack did not acknowledge the SYN-ACK;
            client | 17 | ACK captured | final ack captured | final ack queued |  | ACK queued |
                packet | the capture does not hold it;
            client | 18 | ACK transmitted | final ack transmitted | final ack queued |  | ACK queued
                | net_dev_xmit | no driver took it;
            client | 19 | switch in | synack runs | synack wakes |  | wake | sched_switch | the
                woken thread did not come to a cpu;
            client | 20 | wait returns | return | wait |  | wait |  | the wait did not return;
            client | 21 | connect returns | connect return |  |  | connect |  |' AS lines
    ) AS text
) AS patterns;
