-- The steps by which an end sends, receives and comes to its end; columns as in `step_patterns`,
-- lists as texts. One text holds them all, a step up to each semicolon: DuckDB plans that sooner
-- than as many values.
CREATE VIEW step_patterns_talk AS
SELECT
    -- The part: `send`, `receive` or `end`.
    TRIM(cells[1]) AS scene,
    -- Where it stands.
    TRIM(cells[2])::INTEGER AS place,
    -- The step's name.
    TRIM(cells[3]) AS step,
    -- Its moments.
    TRIM(cells[4]) AS keys,
    -- What makes it to come.
    TRIM(cells[5]) AS needs,
    -- What makes it not to come.
    TRIM(cells[6]) AS unless,
    -- What excuses its lack.
    TRIM(cells[7]) AS excuses,
    -- What it follows.
    TRIM(cells[8]) AS follows,
    -- The event class without which it cannot be seen.
    TRIM(cells[9]) AS class,
    -- Why it is missing.
    TRIM(cells[10]) AS lack
FROM (
    SELECT
        STRING_SPLIT(
            UNNEST(STRING_SPLIT(REGEXP_REPLACE(lines, '\s+', ' ', 'g'), ';')), '|'
        ) AS cells
    FROM (
        SELECT
            'send | 1 | wait | wait |  |  |  |  |  |;
            send | 2 | wait returns | return |  |  |  | wait |  |;
            send | 3 | input read | input |  |  |  | wait returns |  |;
            send | 4 | send | send |  |  |  | input read |  |;
            send | 5 | data queued | data queued | gives bytes |  | goes later | send |
                net_dev_queue | the bytes did not leave;
            send | 6 | data captured | data captured | data queued |  |  | data queued | packet |
                the capture does not hold it;
            send | 7 | data transmitted | data transmitted | data queued |  |  | data queued |
                net_dev_xmit | no driver took it;
            send | 8 | ACK: interrupt | ack interrupt |  |  |  |  |  |;
            send | 9 | ACK: softirq | ack softirq |  |  |  | ACK: interrupt |  |;
            send | 10 | ACK received | ack received | data queued |  |  | data queued, ACK: softirq
                | net_if_receive_skb | nobody acknowledged the bytes;
            send | 11 | ACK captured | ack captured | ack received |  |  |  | packet | the capture
                does not hold it;
            send | 12 | ACK wakes nobody | ack wakes nobody | ack is pure |  |  | ACK received |  |
                the ACK woke a thread that waits on the connection;
            receive | 1 | wait | wait, data blocks |  |  |  |  |  |;
            receive | 2 | data: interrupt | data interrupt |  |  |  |  |  |;
            receive | 3 | data: softirq | data softirq |  |  |  | data: interrupt |  |;
            receive | 4 | data received | data received |  |  |  | data: softirq |  |;
            receive | 5 | data captured | data captured | data received |  |  |  | packet | the
                capture does not hold it;
            receive | 6 | wake | data wakes |  |  |  | data received |  |;
            receive | 7 | ACK queued | data answered |  |  |  | data received |  |;
            receive | 8 | switch in | data runs | data wakes |  |  | wake | sched_switch | the woken
                thread did not come to a cpu;
            receive | 9 | wait returns | return |  |  |  | wait |  |;
            receive | 10 | read | read | data received |  | is nobody, is kept | data received, wait
                returns | syscall_entry_read, syscall_entry_readv, syscall_entry_recvfrom,
                syscall_entry_recvmsg, syscall_entry_recvmmsg | no call read the bytes;
            end | 1 | disconnect | never | is open |  | is open |  |  | the connection did not end;
            end | 2 | wait | wait |  |  |  |  |  |;
            end | 3 | shutdown | shutdown |  |  |  |  |  |;
            end | 4 | FIN: interrupt | peer fin interrupt |  |  |  |  |  |;
            end | 5 | FIN: softirq | peer fin softirq |  |  |  | FIN: interrupt |  |;
            end | 6 | FIN received | peer fin received |  |  |  | FIN: softirq |  |;
            end | 7 | FIN captured | peer fin captured | peer fin received |  |  |  | packet | the
                capture does not hold it;
            end | 8 | RST: interrupt | peer rst interrupt |  |  |  |  |  |;
            end | 9 | RST: softirq | peer rst softirq |  |  |  | RST: interrupt |  |;
            end | 10 | RST received | peer rst received |  |  |  | RST: softirq |  |;
            end | 11 | RST captured | peer rst captured | peer rst received |  |  |  | packet | the
                capture does not hold it;
            end | 12 | wake | peer fin wakes, peer rst wakes |  |  |  |  |  |;
            end | 13 | switch in | peer fin runs, peer rst runs | peer fin wakes, peer rst wakes |
                |  | wake | sched_switch | the woken thread did not come to a cpu;
            end | 14 | wait returns | return |  |  |  | wait |  |;
            end | 15 | read of the end | read end |  |  |  | wait returns |  |;
            end | 16 | close | close |  |  |  |  |  |;
            end | 17 | own FIN queued | own fin queued |  |  |  |  |  |;
            end | 18 | own FIN captured | own fin captured | own fin queued |  |  | own FIN queued |
                packet | the capture does not hold it;
            end | 19 | own FIN transmitted | own fin transmitted | own fin queued |  |  | own FIN
                queued | net_dev_xmit | no driver took it;
            end | 20 | own RST queued | own rst queued |  |  |  |  |  |;
            end | 21 | own RST captured | own rst captured | own rst queued |  |  | own RST queued |
                packet | the capture does not hold it;
            end | 22 | own RST transmitted | own rst transmitted | own rst queued |  |  | own RST
                queued | net_dev_xmit | no driver took it;
            end | 23 | exit | exit, death |  |  |  |  |  |' AS lines
    ) AS text
) AS patterns;
