"""The labels of TSDL enumerations (CTF 1.8.3, section 4.1.8)."""

from __future__ import annotations

from dataclasses import replace

from tcpdw.readers.ctf_types import Label
from tcpdw.readers.tsdl_attributes import MIN_INT64
from tcpdw.readers.tsdl_tokens import STRING, Cursor
from tcpdw.readers.tsdl_types import Number

_SPAN = 2**64


def enumeration(cursor: Cursor, container: Number) -> Number:
    """Read `{ label = value, label = low ... high, label }`, and give the type of it.

    A label without a value has the one after the label's before it.
    """
    cursor.expect("{", "before the labels")
    labels: list[Label] = []
    following = 0
    while not cursor.accept("}"):
        place = cursor.token.place
        name = cursor.strings() if cursor.token.kind == STRING else cursor.word("a label")
        low = high = following
        if cursor.accept("="):
            low = high = cursor.constant("a value", MIN_INT64)
            if cursor.accept("..."):
                high = cursor.constant("the last value", MIN_INT64)
        low, high = (_as(container, bound) for bound in (low, high))
        if low > high:
            cursor.fail(f"the values of `{name}` end before they begin", place)
        labels.append(Label(name, low, high))
        following = high + 1
        if cursor.token.text != "}":
            cursor.expect(",", "or `}` after the label")
    return replace(container, type=replace(container.type, labels=tuple(labels)))


def _as(container: Number, value: int) -> int:
    """Read 64 bits as a number of the container's signedness."""
    value %= _SPAN
    return value - _SPAN if container.type.signed and value >= _SPAN // 2 else value
