"""Protocol Buffers' wire format for many messages of one shape at a time, a column a field.

A field of `n` messages is a matrix of bytes, a row a message, with a mask of those that are there;
messages in messages are the matrices side by side. Nothing is done message by message, so a million
take about a second. Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]
Mask: TypeAlias = NDArray[np.bool_]
Numbers: TypeAlias = NDArray[np.uint64]

_VARINT, _FIXED64, _DELIMITED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Field:
    """A field of `n` messages.

    `parts` are pairs of bytes and mask, each of the shape (n, width); `lengths` counts each
    message's bytes over all parts.
    """

    parts: tuple[tuple[Bytes, Mask], ...]
    lengths: Numbers

    def __len__(self) -> int:
        return len(self.lengths)


def varint(number: int, values: NDArray[np.integer], present: Mask | None = None) -> Field:
    """Write integers, booleans and enumerations, any of a width up to 64 bits, signed or not.

    Those below 0 take ten bytes, as in fields of the types int32 and int64. Where `present` is
    false the message is without the field.
    """
    cells, mask = _varints(_unsigned(values))
    return _whole(_key(number, _VARINT), cells, mask, present)


def fixed64(number: int, values: NDArray[np.integer], present: Mask | None = None) -> Field:
    """Write integers of the types fixed64 and sfixed64: eight bytes each."""
    cells = np.ascontiguousarray(_unsigned(values).astype("<u8")).view(np.uint8).reshape(-1, 8)
    return _whole(_key(number, _FIXED64), cells, np.ones(cells.shape, np.bool_), present)


def text(
    number: int, words: Sequence[str], codes: NDArray[np.integer], present: Mask | None = None
) -> Field:
    """Write texts: message `i` has `words[codes[i]]`, which is written once for all."""
    whole = [_bytes(_DELIMITED, number, word.encode("utf-8", "replace")) for word in words]
    width = max(map(len, whole), default=0)
    table = np.zeros((max(len(whole), 1), width), np.uint8)
    sizes = np.zeros(len(table), np.int64)
    for row, word in enumerate(whole):
        table[row, : len(word)] = np.frombuffer(word, np.uint8)
        sizes[row] = len(word)
    mask = np.arange(width) < sizes[codes][:, None]
    return _masked(table[codes], mask, present)


def message(number: int, fields: Sequence[Field], present: Mask | None = None) -> Field:
    """Write messages that consist of `fields`, as a field of the messages around them."""
    sizes = np.zeros(len(fields[0]), np.uint64)
    for field in fields:
        sizes = sizes + field.lengths
    cells, mask = _varints(sizes)
    head = _whole(_key(number, _DELIMITED), cells, mask, present)
    inner = [part for field in fields for part in field.parts]
    if present is not None:
        inner = [(cells, mask & present[:, None]) for cells, mask in inner]
        sizes = np.where(present, sizes, 0).astype(np.uint64)
    return Field((*head.parts, *inner), head.lengths + sizes)


def joined(field: Field) -> bytes:
    """Give the bytes of a field of all messages, one message after the other."""
    cells = np.concatenate([part[0] for part in field.parts], axis=1)
    mask = np.concatenate([part[1] for part in field.parts], axis=1)
    return cells[mask].tobytes()


def delimited(number: int, content: bytes) -> bytes:
    """Give one field that holds a message or a text, ready made."""
    return _bytes(_DELIMITED, number, content)


def _bytes(kind: int, number: int, content: bytes) -> bytes:
    size, _ = _varints(np.array([len(content)], np.uint64))
    return _key(number, kind).tobytes() + size.tobytes() + content


def _key(number: int, kind: int) -> Bytes:
    return _varints(np.array([number << 3 | kind], np.uint64))[0][0]


def _unsigned(values: NDArray[np.integer]) -> Numbers:
    if values.dtype == np.uint64:
        return values.astype(np.uint64, copy=False)
    return values.astype(np.int64, copy=False).view(np.uint64)


def _varints(values: Numbers) -> tuple[Bytes, Mask]:
    """Split numbers into groups of seven bits, the lowest first, all but the last marked."""
    largest = int(values.max()) if len(values) else 0
    width = max(1, -(-largest.bit_length() // 7))
    shifts = np.arange(width, dtype=np.uint64) * np.uint64(7)
    shifted = values[:, None] >> shifts
    mask = shifted > 0
    mask[:, 0] = True
    cells = (shifted & np.uint64(0x7F)).astype(np.uint8)
    cells[:, :-1] |= mask[:, 1:].astype(np.uint8) << 7
    return cells, mask


def _whole(key: Bytes, cells: Bytes, mask: Mask, present: Mask | None) -> Field:
    count = len(cells)
    keys = np.broadcast_to(key, (count, len(key)))
    shown = np.broadcast_to(np.True_, (count, len(key)))
    return _masked(
        np.concatenate((keys, cells), axis=1), np.concatenate((shown, mask), axis=1), present
    )


def _masked(cells: Bytes, mask: Mask, present: Mask | None) -> Field:
    if present is not None:
        mask = mask & present[:, None]
    return Field(((cells, mask),), mask.sum(axis=1).astype(np.uint64))
