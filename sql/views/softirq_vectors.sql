-- The names of the softirq vectors (include/linux/interrupt.h), and whether a task may raise them
-- knowingly.
CREATE VIEW softirq_vectors AS
SELECT
    -- The vector's number.
    vec,
    -- The vector's name, as `/proc/softirqs` spells it.
    softirq_name(vec) AS vec_name,
    -- True where the local timer and interprocessor interrupts, which no event shows, raise it.
    unseen_causes
FROM (
    VALUES
    (0, false), (1, true), (2, false), (3, false), (4, false),
    (5, false), (6, false), (7, true), (8, true), (9, true)
) AS vectors (vec, unseen_causes);
