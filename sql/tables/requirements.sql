-- Which event classes the views need, as their files say (`-- requires:`): a run supports a view
-- where it has one class of each group. `view_availability` tells of each run.
CREATE TABLE store.requirements (
    -- The view, metric or table.
    name VARCHAR NOT NULL,
    -- The group's place among the view's.
    place INTEGER NOT NULL,
    -- The classes of the group, LTTng's names; `*` stands for anything.
    classes VARCHAR[] NOT NULL
);
