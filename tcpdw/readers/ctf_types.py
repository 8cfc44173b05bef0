"""What the metadata of a CTF trace says, in the terms that TSDL (CTF 1.8) and CTF 2 share.

The parsers (`ctf_metadata`, `ctf2_metadata`) make these, the native decoder compiles them. Names
of fields are as CTF means them: TSDL's one leading underscore is gone, save in a `Location`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

Scope = Literal[
    "packet.header",
    "packet.context",
    "event.header",
    "event.context",  # common to a stream's events: CTF 1.8's stream.event.context
    "event.specific",  # the event class's own: CTF 1.8's event.context
    "event.fields",
]

Role = Literal[
    "magic",
    "uuid",
    "stream_id",
    "stream_instance_id",
    "content_size",  # bits
    "packet_size",  # bits
    "timestamp",  # updates the stream's clock; a packet's timestamp_begin too
    "timestamp_end",
    "events_discarded",
    "packet_seq_num",
    "event_id",
]

Encoding = Literal["utf-8", "utf-16be", "utf-16le", "utf-32be", "utf-32le"]


@dataclass(frozen=True, slots=True)
class Location:
    """An earlier field that a sequence's length or a variant's selector is read from.

    `path` names the members on the way from the scope's root, through structures and the options
    of variants; an array on the way stands for its current element.
    """

    scope: Scope
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """A label of an enumeration, with the values from `low` to `high` that have it."""

    label: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Integer:
    """An integer of `size` bits, 1 to 64, aligned to `align` bits; an enumeration has `labels`.

    `labels` is None for a plain integer. A variable-length integer (CTF 2, LEB128) has size 0.
    """

    size: int
    align: int
    signed: bool
    little: bool
    labels: tuple[Label, ...] | None = None
    roles: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True)
class Boolean:
    """A boolean of `size` bits (CTF 2)."""

    size: int
    align: int
    little: bool


@dataclass(frozen=True, slots=True)
class Real:
    """An IEEE 754 number of 16, 32 or 64 bits."""

    size: int
    align: int
    little: bool


@dataclass(frozen=True, slots=True)
class String:
    """A text that ends with a NUL."""

    encoding: Encoding = "utf-8"


@dataclass(frozen=True, slots=True)
class Text:
    """A text of `length` bytes, or what is before the first NUL in them."""

    length: int | Location
    encoding: Encoding = "utf-8"
    align: int = 8


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes (CTF 2)."""

    length: int | Location
    roles: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True)
class Array:
    """Elements of one type, `length` of them; aligned to `align` bits and then as they say."""

    length: int | Location
    element: FieldType
    align: int = 1
    roles: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """A field of a structure. `key` is its name as a `Location` says it."""

    name: str
    type: FieldType
    key: str


@dataclass(frozen=True, slots=True)
class Struct:
    """Fields in order. `align` is the greatest alignment of it and all its members, bits."""

    members: tuple[Member, ...]
    align: int = 1


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a variant, chosen by the selector's values in `ranges` (low, high)."""

    name: str
    type: FieldType
    key: str
    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """One of several fields, by the value of an integer or enumeration read before."""

    selector: Location
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Optional:
    """A field that is there if a boolean read before is true, or an integer lies in `ranges`."""

    selector: Location
    type: FieldType
    ranges: tuple[tuple[int, int], ...] | None = None


FieldType = Integer | Boolean | Real | String | Text | Blob | Array | Struct | Variant | Optional


@dataclass(frozen=True, slots=True)
class ClockClass:
    """A clock: `frequency` in Hz, and its offset from its origin in seconds and in cycles."""

    name: str
    frequency: int
    offset_seconds: int
    offset_cycles: int


@dataclass(frozen=True, slots=True)
class EventClass:
    """A class of events: its own context and its fields."""

    id: int
    name: str | None
    context: Struct | None
    fields: Struct | None


class EventClasses(Protocol):
    """The event classes of a stream class by id, each parsed when first asked for.

    Asking for one raises KeyError where there is none, TraceError where it cannot be parsed.
    The same class of another trace is the same object if its text and surroundings are the same.
    """

    def __getitem__(self, id: int, /) -> EventClass:
        """Give the event class `id`."""
        ...

    def __iter__(self) -> Iterator[int]:
        """Give the ids."""
        ...

    def __len__(self) -> int:
        """Count the classes."""
        ...


@dataclass(frozen=True, slots=True)
class StreamClass:
    """A class of data streams: what its packets and events have beside the events' own fields."""

    id: int
    packet_context: Struct | None
    event_header: Struct | None
    event_context: Struct | None
    clock: ClockClass | None
    events: EventClasses


@dataclass(frozen=True, slots=True)
class TraceClass:
    """All of a trace's metadata. `uuid` is None where the metadata has none.

    Traces of the same `events_key` have the same stream and event classes, but for the offsets of
    their clocks. It is None where that is not worth to know.
    """

    version: Literal[1, 2]
    uuid: bytes | None
    packet_header: Struct | None
    env: Mapping[str, str | int]
    streams: Mapping[int, StreamClass]
    events_key: str | None = None
