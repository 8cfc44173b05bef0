-- What keeps a step that was to come from being missing: where the fact holds, the step has this
-- status, and these words say why.
CREATE VIEW step_excuses AS
SELECT
    -- The fact, as `step_facts` names it.
    fact,
    -- True where the fact holds of one part of the story, not of the whole.
    fact = 'goes later' AS of_part,
    -- The status of the step.
    status,
    -- Why, in words.
    why
FROM (
    VALUES
    ('was running', 'before the trace', 'the process was running when the trace began'),
    ('was open', 'before the trace', 'the socket was open when the trace began'),
    (
        'was connected', 'before the trace',
        'the trace shows no SYN: the connection was there before'
    ),
    ('is unknown', 'not shown', 'no call names the socket'),
    (
        'is nameless', 'not shown',
        'the accepts of this run do not name their peers, as on machines other than x86-64'
    ),
    ('is nobody', 'not shown', 'the trace does not tell the connection''s socket'),
    ('is kept', 'after the trace', 'the trace ends before the bytes are read'),
    ('goes later', 'not shown', 'no segment left for this call alone: its bytes went with others'),
    ('is open', 'after the trace', 'the connection was open when the trace ended')
) AS excuses (fact, status, why);
