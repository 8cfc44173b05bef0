-- One number for the two ends between which TCP segments go, whichever way they go: what joins the
-- two directions without comparing addresses.
-- staged: several steps read it while a batch is loaded
CREATE VIEW address_pairs AS
WITH
ways AS (
    SELECT DISTINCT run_id, saddr, sport, daddr, dport FROM tcp_segments
    UNION
    SELECT DISTINCT run_id, saddr, sport, daddr, dport
    FROM packets
    WHERE flags IS NOT NULL
),

directed AS (
    SELECT *, (saddr, sport) <= (daddr, dport) AS up
    FROM ways
)

SELECT
    -- The run.
    run_id,
    -- The source address.
    saddr,
    -- The source port.
    sport,
    -- The destination address.
    daddr,
    -- The destination port.
    dport,
    -- True where the source is the lesser end.
    up,
    -- The pair's number within its run.
    DENSE_RANK() OVER (
        PARTITION BY run_id
        ORDER BY
            CASE WHEN up THEN saddr ELSE daddr END, CASE WHEN up THEN sport ELSE dport END,
            CASE WHEN up THEN daddr ELSE saddr END, CASE WHEN up THEN dport ELSE sport END
    ) AS pair
FROM directed;
