"""Ranges of values and what they mean: the labels of enumerations, the options of variants."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable, Sequence

from tcpdw.readers.ctf_types import Label
from tcpdw.readers.event_columns import join_labels

_RANGE = struct.Struct("<QQq")
_TABLE = struct.Struct("<4i")
_MASK = 2**64 - 1


class Tables:
    """A program's tables of ranges (native/ctf_fields.h: struct range_table), and its words."""

    def __init__(self) -> None:
        self.words: list[bytes] = []
        self._tables: list[tuple[int, int, int, int]] = []
        self._ranges: list[tuple[int, int, int]] = []

    def labels(self, labels: Sequence[Label], *, signed: bool) -> int:
        """Add a table of labels; return its number."""
        ranges = [(label.low, label.high, n) for n, label in enumerate(labels)]
        texts: dict[str, int] = {}
        coded: list[tuple[int, int, int]] = []
        for low, high, which in _sections(ranges):
            text = join_labels(labels[n].label for n in which) or ""
            coded.append((low, high, texts.setdefault(text, len(texts))))
        first = len(self.words)
        self.words += [text.encode() for text in texts]
        return self._add(coded, signed=signed, words=first)

    def words_of(self, table: int) -> tuple[int, int]:
        """Return the first word of a table of labels, and how many it has."""
        first, count, _, words = self._tables[table]
        codes = {code for _, _, code in self._ranges[first : first + count]}
        return words, len(codes)

    def numbers(self, ranges: Iterable[tuple[int, int]], *, signed: bool) -> int:
        """Add a table that tells whether a value is in it."""
        return self.targets([(low, high, 0) for low, high in ranges], signed=signed)

    def targets(self, ranges: Sequence[tuple[int, int, int]], *, signed: bool) -> int:
        """Add a table of where to go; of ranges that overlap, the first has the values."""
        return self._add(_apart(ranges), signed=signed)

    def packed(self) -> tuple[bytes, bytes]:
        """Return the tables and their ranges as the decoder has them."""
        ranges = (
            _RANGE.pack(low & _MASK, high & _MASK, target) for low, high, target in self._ranges
        )
        return b"".join(_TABLE.pack(*table) for table in self._tables), b"".join(ranges)

    def _add(self, ranges: Sequence[tuple[int, int, int]], *, signed: bool, words: int = 0) -> int:
        self._tables.append((len(self._ranges), len(ranges), int(signed), words))
        self._ranges += ranges
        return len(self._tables) - 1


def _apart(ranges: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Return ranges in order and apart; where some overlap, the first of them has the values."""
    targets = [target for _, _, target in ranges]
    numbered = [(low, high, n) for n, (low, high, _) in enumerate(ranges)]
    return [(low, high, targets[min(which)]) for low, high, which in _sections(numbered)]


def _sections(ranges: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, list[int]]]:
    """Cut ranges (low, high, number) at each other's ends: sections with the numbers they have."""
    ordered = sorted(one for one in ranges if one[0] <= one[1])
    if all(a[1] < b[0] for a, b in itertools.pairwise(ordered)):
        return [(low, high, [number]) for low, high, number in ordered]
    cuts = sorted({low for low, _, _ in ordered} | {high + 1 for _, high, _ in ordered})
    found: list[tuple[int, int, list[int]]] = []
    active: list[tuple[int, int, int]] = []
    place = 0
    for low, after in itertools.pairwise(cuts):
        while place < len(ordered) and ordered[place][0] <= low:
            active.append(ordered[place])
            place += 1
        active = [one for one in active if one[1] >= low]
        if active:
            found.append((low, after - 1, sorted(number for _, _, number in active)))
    return found
