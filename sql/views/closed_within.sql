-- When the first of a list of ranges (fd, last_fd, ts) that holds a descriptor was closed; NULL for
-- none: a scalar macro.
CREATE MACRO closed_within(closed, number) AS LIST_MIN(
    LIST_TRANSFORM(
        LIST_FILTER(closed, LAMBDA span: number BETWEEN span.fd AND span.last_fd),
        LAMBDA span: span.ts
    )
);
