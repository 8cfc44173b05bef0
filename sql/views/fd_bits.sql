-- The descriptors of a set of bits as `select` takes it, the lowest bit of the first byte being
-- descriptor 0: a scalar macro over a list of bytes.
CREATE MACRO fd_bits(bytes) AS COALESCE(
    LIST_FILTER(
        RANGE(LEN(bytes) * 8),
        LAMBDA place: (bytes[place // 8 + 1]::BIGINT >> (place % 8)) & 1 = 1
    ),
    []
);
