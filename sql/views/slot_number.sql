-- The value of the column that a name says, of those that hold whole numbers: a scalar macro.
CREATE MACRO slot_number(slot, n1, n2, n3, n4, n5, n6, n7, n8, n9) AS CASE slot
    WHEN 'i1' THEN n1
    WHEN 'i2' THEN n2
    WHEN 'i3' THEN n3
    WHEN 'i4' THEN n4
    WHEN 'i5' THEN n5
    WHEN 'i6' THEN n6
    WHEN 'i7' THEN n7
    WHEN 'i8' THEN n8
    WHEN 'i9' THEN n9
END;
