-- What a connection's story is made of, a row a step: to tell of another kind of server, add rows,
-- or keys to rows. A story has one part `connect` and one `end`, and a part `send` or `receive` for
-- each call that gave or took bytes; in each part, each step comes at most once, as the first of
-- the moments that its keys name.
CREATE VIEW step_patterns AS
SELECT
    -- Which end's story: `server` or `client`.
    role,
    -- The part: `connect`, `send`, `receive` or `end`.
    scene,
    -- Where it stands among steps of one time, and where it is put where it is missing.
    place,
    -- The step's number among all steps of all stories, in order of place within its part.
    (
        CASE role WHEN 'server' THEN 1000 ELSE 2000 END
        + CASE scene WHEN 'connect' THEN 0 WHEN 'send' THEN 100 WHEN 'receive' THEN 200 ELSE 300 END
        + place
    )::SMALLINT AS code,
    -- The step's name.
    step,
    -- The moments that are this step, any of them.
    STRING_SPLIT(keys, ', ') AS keys,
    -- The step is to come where one of these moments is there; `*` for always, empty for a step
    -- that may be there or not.
    STRING_SPLIT(needs, ', ') AS needs,
    -- It is not to come where one of these is there.
    STRING_SPLIT(unless, ', ') AS unless,
    -- Where it is missing and one of these facts holds, `step_excuses` says what of it.
    STRING_SPLIT(excuses, ', ') AS excuses,
    -- The steps of the same part that it comes after, where they are there.
    STRING_SPLIT(follows, ', ') AS follows,
    -- The event classes without any of which it cannot be seen; `packet` for the capture.
    STRING_SPLIT(NULLIF(class, ''), ', ') AS classes,
    -- Why it is missing, where nothing better is known.
    lack
FROM (
    SELECT
        role, 'connect' AS scene, place, step, keys, needs, '' AS unless, excuses, follows,
        class, lack
    FROM step_patterns_connect
    UNION ALL
    SELECT ends.role, t.*
    FROM step_patterns_talk AS t
    CROSS JOIN (VALUES ('server'), ('client')) AS ends (role)
) AS patterns;
