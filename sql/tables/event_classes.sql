-- Which event classes each run has events of: what says whether a view can answer of a run.
CREATE TABLE event_classes (
    -- The run.
    run_id INTEGER NOT NULL,
    -- The event class, LTTng's name.
    name VARCHAR NOT NULL,
    -- How many events.
    events BIGINT NOT NULL
);
