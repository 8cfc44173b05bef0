-- The rows of the event classes with the fewest fields. The views `event.<class>` give the columns
-- their names and types; `store.class_columns` says which is which.
CREATE TABLE store.narrow (
    -- The run.
    run_id INTEGER,
    -- The class: `store.classes.code`.
    code UINTEGER,
    -- When the event happened, ns since the Unix epoch.
    ts BIGINT,
    -- The cpu on which it happened.
    cpu_id INTEGER,
    -- The thread that was current on that cpu; NULL where unknown.
    ctx_tid INTEGER,
    -- What a system call returned, at its end.
    ret BIGINT,
    -- A whole number of up to 64 bits, signed, or up to 32 bits, unsigned.
    i1 BIGINT,
    -- Another.
    i2 BIGINT,
    -- Another.
    i3 BIGINT,
    -- A text.
    s1 VARCHAR
);

-- The rows of the event classes that need more than `store.narrow` has.
CREATE TABLE store.middle (
    -- The run.
    run_id INTEGER,
    -- The class: `store.classes.code`.
    code UINTEGER,
    -- When the event happened, ns since the Unix epoch.
    ts BIGINT,
    -- The cpu on which it happened.
    cpu_id INTEGER,
    -- The thread that was current on that cpu; NULL where unknown.
    ctx_tid INTEGER,
    -- What a system call returned, at its end.
    ret BIGINT,
    -- A whole number of up to 64 bits, signed, or up to 32 bits, unsigned.
    i1 BIGINT,
    -- Another.
    i2 BIGINT,
    -- Another.
    i3 BIGINT,
    -- Another.
    i4 BIGINT,
    -- A whole number of 64 bits, unsigned.
    u1 UBIGINT,
    -- Another.
    u2 UBIGINT,
    -- A text.
    s1 VARCHAR,
    -- Another.
    s2 VARCHAR
);

-- The rows of the event classes that need more than `store.middle` has. What needs still more, or
-- holds a list, a structure or a fraction, has a table of its own, `store.class_<code>`.
CREATE TABLE store.wide (
    -- The run.
    run_id INTEGER,
    -- The class: `store.classes.code`.
    code UINTEGER,
    -- When the event happened, ns since the Unix epoch.
    ts BIGINT,
    -- The cpu on which it happened.
    cpu_id INTEGER,
    -- The thread that was current on that cpu; NULL where unknown.
    ctx_tid INTEGER,
    -- What a system call returned, at its end.
    ret BIGINT,
    -- A whole number of up to 64 bits, signed, or up to 32 bits, unsigned.
    i1 BIGINT,
    -- Another.
    i2 BIGINT,
    -- Another.
    i3 BIGINT,
    -- Another.
    i4 BIGINT,
    -- Another.
    i5 BIGINT,
    -- Another.
    i6 BIGINT,
    -- Another.
    i7 BIGINT,
    -- Another.
    i8 BIGINT,
    -- Another.
    i9 BIGINT,
    -- A whole number of 64 bits, unsigned.
    u1 UBIGINT,
    -- Another.
    u2 UBIGINT,
    -- Another.
    u3 UBIGINT,
    -- Another.
    u4 UBIGINT,
    -- A text.
    s1 VARCHAR,
    -- Another.
    s2 VARCHAR,
    -- Another.
    s3 VARCHAR,
    -- Another.
    s4 VARCHAR
);

-- Where the rows of each event class lie; a class whose fields differ from kernel to kernel beyond
-- what one place can hold has several.
CREATE TABLE store.classes (
    -- The place's number.
    code UINTEGER NOT NULL,
    -- The event class, LTTng's name.
    name VARCHAR NOT NULL,
    -- The table of the schema `store`; empty where the class is documented and has no rows yet.
    relation VARCHAR NOT NULL
);

-- Which column of its table holds each field of an event class.
CREATE TABLE store.class_columns (
    -- The place: `store.classes.code`.
    code UINTEGER NOT NULL,
    -- The field's place among the class's columns, from 0.
    position INTEGER NOT NULL,
    -- The field's name, or `ctx_` and the context's.
    name VARCHAR NOT NULL,
    -- Its type.
    type VARCHAR NOT NULL,
    -- The column of the table; empty where the class has no rows yet.
    slot VARCHAR NOT NULL
);
