-- The number of each connection of a run, in order of its first segment, and which end is the
-- client: the one that sent the first SYN, else the one that the first SYN-ACK answered, else the
-- one of the higher port.
-- staged: several steps read it while a batch is loaded
CREATE VIEW connection_numbers AS
WITH
grouped AS (
    SELECT
        run_id,
        pair,
        turn,
        MIN(ts) AS start_ts,
        MAX(ts) + 1 AS end_ts,
        COUNT(row_id) AS captured,
        MIN(CASE WHEN up THEN saddr ELSE daddr END) AS low_addr,
        MIN(CASE WHEN up THEN sport ELSE dport END) AS low_port,
        MIN(CASE WHEN up THEN daddr ELSE saddr END) AS high_addr,
        MIN(CASE WHEN up THEN dport ELSE sport END) AS high_port,
        COALESCE(
            ARG_MIN(up, ts) FILTER (WHERE flags & 18 = 2),
            NOT ARG_MIN(up, ts) FILTER (WHERE flags & 18 = 18),
            MIN(CASE WHEN up THEN sport ELSE dport END)
            >= MIN(CASE WHEN up THEN dport ELSE sport END)
        ) AS client_is_low
    FROM connection_turns
    GROUP BY run_id, pair, turn
),

named AS (
    SELECT
        *,
        CASE WHEN client_is_low THEN low_addr ELSE high_addr END AS saddr,
        CASE WHEN client_is_low THEN low_port ELSE high_port END AS sport,
        CASE WHEN client_is_low THEN high_addr ELSE low_addr END AS daddr,
        CASE WHEN client_is_low THEN high_port ELSE low_port END AS dport
    FROM grouped
)

SELECT
    -- The run.
    run_id,
    -- The two ends: `address_pairs.pair`.
    pair,
    -- Which connection between the two, in order: `connection_turns.turn`.
    turn,
    -- The connection's number within its run.
    ROW_NUMBER() OVER (
        PARTITION BY run_id ORDER BY start_ts, saddr, sport, daddr, dport, turn
    ) AS connection_id,
    -- True where the client is the lesser of the two ends.
    client_is_low,
    -- The client's address.
    saddr,
    -- The client's port.
    sport,
    -- The server's address.
    daddr,
    -- The server's port.
    dport,
    -- The first segment seen, ns since the Unix epoch.
    start_ts,
    -- Just past the last segment seen, ns since the Unix epoch.
    end_ts,
    -- How many packets of it the captures hold.
    captured
FROM named;
