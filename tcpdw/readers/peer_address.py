"""The peer that `accept` and `connect` name, as text: LTTng gives it as a sequence of numbers."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tcpdw.readers import addresses

if TYPE_CHECKING:
    import pyarrow as pa

COLUMN = "addr"


def spelled(table: pa.Table) -> pa.Table:
    """Add the column `addr` (string) to an event class that has `v4addr` and `v6addr`.

    LTTng gives an IPv4 address as 4 bytes and an IPv6 address as 8 words of 16 bits, each in order,
    the other of the two empty (lttng-modules, instrumentation/syscalls/headers: `connect`,
    `accept`). Where both are empty, or hold something else, `addr` is NULL. A table of another
    class comes back as it is.
    """
    import pyarrow as pa

    names = table.column_names
    if COLUMN in names or not {"v4addr", "v6addr"} <= set(names):
        return table
    pairs = zip(table["v4addr"].to_pylist(), table["v6addr"].to_pylist(), strict=True)
    return table.append_column(COLUMN, pa.array([_text(v4, v6) for v4, v6 in pairs], pa.string()))


def _text(v4: list[int] | None, v6: list[int] | None) -> str | None:
    try:
        if v4 is not None and len(v4) == 4:
            return addresses.from_packed(bytes(v4))
        if v6 is not None and len(v6) == 8:
            return addresses.from_packed(struct.pack(">8H", *v6))
        if v6 is not None and len(v6) == 16:
            return addresses.from_packed(bytes(v6))
    except (ValueError, TypeError, struct.error):
        return None
    return None
