"""Track events of Perfetto from rows: names and texts are told once, then go by number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as schema

from tcpdw.export import wire

if TYPE_CHECKING:
    from google.protobuf.message import Message

Column: TypeAlias = "pa.Array[Any]"

PACKET = 1
"""`packet` of the message Trace."""

_OWN = ("type", "track", "ts", "name", "flow", "flow_end", "rank", "place")
_STARTS, _CONTINUES = 1, 2
_SLICE_END = 2
_CATEGORY = 1
_POINTERS = frozenset({"skbaddr"})


def number(message: type[Message], field: str) -> int:
    """Give a field's number in the schema."""
    return message.DESCRIPTOR.fields_by_name[field].number


def column(batch: pa.RecordBatch, name: str) -> Column:
    """Give a column of a batch."""
    return cast(Column, batch.column(name))


def integers(values: Column) -> tuple[NDArray[np.integer], wire.Mask]:
    """Give a column of integers or booleans, 0 where it is NULL, and where it is not NULL."""
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.uint8())
    numbers = values.fill_null(0).to_numpy(zero_copy_only=False)
    return numbers, values.is_valid().to_numpy(zero_copy_only=False)


def coded(texts: Column) -> tuple[list[str], NDArray[np.integer], wire.Mask]:
    """Give a column's different texts, the place among them of each row's, and which has one."""
    encoded = cast("pa.DictionaryArray[Any, Any]", texts.dictionary_encode())
    codes, present = integers(cast(Column, encoded.indices))
    return cast("list[str]", encoded.dictionary.to_pylist()), codes, present


class TrackEvents:
    """A sequence of packets with track events of one category.

    `number` tells it from other sequences; `offset` (ns) is taken from every time.
    """

    def __init__(self, sequence: int, category: str, offset: int) -> None:
        self._sequence = sequence
        self._category = category
        self._offset = offset
        self._names: dict[str, int] = {}
        self._texts: dict[str, int] = {}
        self._arguments: dict[str, int] = {}

    def packets(self, batch: pa.RecordBatch) -> Iterator[bytes]:
        """Write a batch: what it names anew, then a packet a row.

        It has the columns of `perfetto_contents.ordered`; those that are no event's own are its
        arguments.
        """
        if batch.num_rows == 0:
            return
        is_first = not self._arguments
        told = schema.InternedData()
        if is_first:
            told.event_categories.add(iid=_CATEGORY, name=self._category)
            for place, name in enumerate(batch.schema.names, start=1):
                if name not in _OWN:
                    self._arguments[name] = place
                    told.debug_annotation_names.add(iid=place, name=name)
        names, named = self._interned(column(batch, "name"), self._names, told.event_names, "name")
        fields = [
            wire.varint(number(_EVENT, "track_uuid"), *integers(column(batch, "track"))),
            wire.varint(number(_EVENT, "type"), *integers(column(batch, "type"))),
            wire.varint(number(_EVENT, "category_iids"), np.full(len(named), _CATEGORY), named),
            wire.varint(number(_EVENT, "name_iid"), names, named),
        ]
        for name, place in self._arguments.items():
            fields.append(self._argument(name, place, column(batch, name), told))
        for name, field in (("flow", "flow_ids"), ("flow_end", "terminating_flow_ids")):
            if name in batch.schema.names:
                fields.append(wire.fixed64(number(_EVENT, field), *integers(column(batch, name))))
        if is_first or told.ByteSize():
            yield self._telling(told, is_first=is_first)
        times, _ = integers(column(batch, "ts"))
        count = len(times)
        packet = [
            wire.varint(number(_PACKET, "timestamp"), times - self._offset),
            wire.varint(
                number(_PACKET, "trusted_packet_sequence_id"), np.full(count, self._sequence)
            ),
            wire.varint(number(_PACKET, "sequence_flags"), np.full(count, _CONTINUES)),
            wire.message(number(_PACKET, "track_event"), fields),
        ]
        yield wire.joined(wire.message(PACKET, packet))

    def _telling(self, told: schema.InternedData, *, is_first: bool) -> bytes:
        packet = schema.TracePacket(
            trusted_packet_sequence_id=self._sequence,
            sequence_flags=_STARTS if is_first else _CONTINUES,
            interned_data=told,
        )
        if is_first:
            packet.previous_packet_dropped = 1
        return wire.delimited(PACKET, packet.SerializeToString())

    def _argument(
        self, name: str, place: int, column: Column, told: schema.InternedData
    ) -> wire.Field:
        if pa.types.is_string(column.type):
            values, present = self._interned(
                column, self._texts, told.debug_annotation_string_values, "str"
            )
            kind = "string_value_iid"
        else:
            values, present = integers(column)
            kind = _kind(name, column.type)
        value = wire.varint(number(_ANNOTATION, kind), values)
        key = wire.varint(number(_ANNOTATION, "name_iid"), np.full(len(values), place))
        return wire.message(number(_EVENT, "debug_annotations"), [key, value], present)

    def _interned(
        self, column: Column, known: dict[str, int], told: Any, field: str
    ) -> tuple[NDArray[np.integer], wire.Mask]:
        words, codes, present = coded(column)
        for word in _new(words, known):
            known[word] = len(known) + 1
            value = word.encode() if field == "str" else word
            told.add(iid=known[word], **{field: value})
        iids = np.array([known[word] for word in words] or [0], np.int64)
        return iids[codes], present


def _new(words: Iterable[str], known: dict[str, int]) -> Iterator[str]:
    return (word for word in words if word not in known)


def _kind(name: str, kind: pa.DataType) -> str:
    if name in _POINTERS:
        return "pointer_value"
    if pa.types.is_boolean(kind):
        return "bool_value"
    return "uint_value" if pa.types.is_unsigned_integer(kind) else "int_value"


_PACKET = schema.TracePacket
_EVENT = schema.TrackEvent
_ANNOTATION = schema.DebugAnnotation
