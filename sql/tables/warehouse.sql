-- One row: what made this database, so that a newer or older tcpdw knows what it opens.
CREATE TABLE warehouse (
    -- The version of the tables' layout.
    layout INTEGER NOT NULL,
    -- The version of tcpdw that made the database.
    made_by VARCHAR NOT NULL,
    -- The digest of the `sql/` tree whose views the database holds.
    catalog_hash VARCHAR NOT NULL,
    -- The digest of the statements that its rows were computed by.
    rows_hash VARCHAR NOT NULL,
    -- The highest number that a run was ever given: none is given twice.
    last_run_id INTEGER NOT NULL
);
