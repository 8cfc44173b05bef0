"""What the fields that TSDL gives a meaning must be (CTF 1.8.3, sections 5 and 6)."""

from __future__ import annotations

from collections.abc import Set

from tcpdw.readers import tsdl_types
from tcpdw.readers.ctf_types import Scope
from tcpdw.readers.tsdl_attributes import Reader, Value, name, value
from tcpdw.readers.tsdl_blocks import Block, Source
from tcpdw.readers.tsdl_statements import Root
from tcpdw.readers.tsdl_tokens import END, INTEGER, Cursor
from tcpdw.readers.tsdl_types import Array, Declared, Number, Struct

_PACKET_HEADER = ("magic", "stream_id", "stream_instance_id")
_MEANINGS: dict[Scope, tuple[str, ...]] = {
    "packet.context": (
        "timestamp_begin",
        "timestamp_end",
        "content_size",
        "packet_size",
        "events_discarded",
        "packet_seq_num",
    ),
    "event.header": ("id",),
}


def member(struct: Struct | None, name: str) -> Declared | None:
    """Give the member of a structure by its name without a leading underscore."""
    for item in struct.items if struct else ():
        if tsdl_types.bare_name(item.key) == name:
            return item.type
    return None


def byte_order(source: Source, trace: Block) -> bool:
    """Tell if the trace is little-endian. Types before the `trace` block need to know."""
    cursor = Cursor(source, trace.start, trace.end)
    values: dict[str, Value] = {}
    depth = 0
    first = False
    while cursor.token.kind != END:
        if depth == 1 and first and cursor.token.text == "byte_order":
            key = name(cursor)
            if cursor.accept("="):
                values[key] = value(cursor)
                break
        token = cursor.advance()
        opens = token.text == "{" or (token.kind == INTEGER and token.text[-1] == "{")
        depth += opens - (token.text == "}")
        first = opens or token.text == ";"
    return Reader(source, values, trace.start, "the `trace` block").little(None)


def check_packet_header(source: Source, root: Root) -> None:
    """Fail unless the fields of a packet header are as the format needs them."""
    for key in _PACKET_HEADER:
        _check_unsigned(source, root, key, "packet header")
    magic = member(root.type, "magic")
    if isinstance(magic, Number) and magic.type.size != 32:
        source.fail(root.place, "`magic` in the packet header is not of 32 bits")
    if magic is not None and root.type.items[0].type is not magic:
        source.fail(root.place, "`magic` is not the first field of the packet header")
    uuid = member(root.type, "uuid")
    if uuid is None:
        return
    byte = uuid.element if isinstance(uuid, Array) and uuid.length == 16 else None
    if not isinstance(byte, Number) or (byte.type.size, byte.type.align, byte.type.signed) != (
        8,
        8,
        False,
    ):
        source.fail(root.place, "`uuid` in the packet header is no array of 16 bytes")


def check_stream(source: Source, scope: Scope, root: Root) -> None:
    """Fail unless the fields of a packet context or event header are as the format needs them."""
    for key in _MEANINGS.get(scope, ()):
        _check_unsigned(source, root, key, scope.replace(".", " "))


def _check_unsigned(source: Source, root: Root, name: str, where: str) -> None:
    found = member(root.type, name)
    if found is not None and not (isinstance(found, Number) and not found.type.signed):
        source.fail(root.place, f"`{name}` in the {where} is no unsigned integer")


def one_clock(source: Source, clocks: Set[str], place: int) -> str | None:
    """Give the only clock of a stream, None where there is none; fail where there are two."""
    if len(clocks) > 1:
        several = ", ".join(sorted(clocks))
        source.fail(place, f"the fields of one stream are mapped to several clocks: {several}")
    return next(iter(clocks), None)
