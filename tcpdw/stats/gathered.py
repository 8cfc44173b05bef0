"""Intervals as a query gives them, on their way to samples: brought together by run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_STRETCHES = 1024
"""A batch in more stretches, of one run each, is put in the runs' order first."""

_LEAST_ROOM = 1 << 16


LONG = np.iinfo(np.int32).max
"""What stands for a length, ns, that is this long or longer, where lengths take four bytes."""


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """The intervals of runs, one run after the other.

    Of run i, the lengths in ns are `durations[starts[i] : starts[i] + sizes[i]]`, ascending;
    `durations` (int32; int64 only where one is far below 0) may hold others too. There LONG stands
    for what is as long or longer: `long` has these lengths, ascending, and `long_runs` the index of
    each one's run. All but `durations` are int64.
    """

    durations: NDArray[np.signedinteger]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    long: NDArray[np.int64]
    long_runs: NDArray[np.int64]

    def part(self, chosen: NDArray[np.bool] | slice) -> Runs:
        """Give some of the runs; the lengths are shared."""
        places = np.full(len(self.sizes), -1)
        places[chosen] = np.arange(len(self.sizes[chosen]))
        long_runs = places[self.long_runs]
        there = long_runs >= 0
        return Runs(
            self.durations,
            self.starts[chosen],
            self.sizes[chosen],
            self.long[there],
            long_runs[there],
        )


class Gathered:
    """Intervals taken in batch by batch, in any order, given by run.

    What tens of millions of intervals cost is the memory that is touched for the first time: each
    length is kept once, in four bytes, and a run's number once for all that a batch has of it.
    """

    def __init__(self) -> None:
        self._room: NDArray[np.signedinteger] = np.empty(_LEAST_ROOM, np.int32)
        self._filled = 0
        self._stretches: dict[int, list[tuple[int, int]]] = {}
        self._long: list[NDArray[np.int64]] = []
        self._long_runs: list[NDArray[np.int64]] = []

    def add(self, runs: NDArray[np.signedinteger], durations: NDArray[np.signedinteger]) -> None:
        """Take in intervals: their runs' numbers, and their lengths in ns."""
        if not len(runs):
            return
        starts = _stretches(runs)
        if len(starts) > _MOST_STRETCHES:
            turns = np.argsort(runs, kind="stable")
            runs, durations = runs[turns], durations[turns]
            starts = _stretches(runs)
        if durations.max() >= LONG:
            is_long = durations >= LONG
            self._long.append(durations[is_long].astype(np.int64))
            self._long_runs.append(runs[is_long].astype(np.int64))
            durations = np.minimum(durations, LONG)
        first = self._filled
        self._put(durations)
        edges = [*(starts + first).tolist(), self._filled]
        for run, start, end in zip(runs[starts].tolist(), edges, edges[1:], strict=False):
            self._stretches.setdefault(run, []).append((start, end))

    def runs(self, order: NDArray[np.signedinteger]) -> Runs:
        """Give the intervals of some runs, each named once, in that order; nothing is added then.

        A run without intervals has the size 0.
        """
        found = [self._whole(run) for run in order.tolist()]
        edges = np.array(found, np.int64).reshape(-1, 2)
        # A run by itself fits the processor's cache: that is many times quicker than one sort of
        # all, by run and length.
        for start, end in found:
            self._room[start:end].sort()
        starts, sizes = edges[:, 0].copy(), edges[:, 1] - edges[:, 0]
        return Runs(self._room[: self._filled], starts, sizes, *self._long_of(order))

    def _long_of(
        self, order: NDArray[np.signedinteger]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the long lengths of the runs, ascending, and each one's place in `order`."""
        none = np.zeros(0, np.int64)
        long, runs = np.concatenate([none, *self._long]), np.concatenate([none, *self._long_runs])
        places = np.full(int(max(order.max(initial=0), runs.max(initial=0))) + 1, -1)
        places[order] = np.arange(len(order))
        there = np.flatnonzero(places[runs] >= 0)
        there = there[np.argsort(long[there], kind="stable")]
        return long[there], places[runs[there]]

    def _whole(self, run: int) -> tuple[int, int]:
        """Give where a run lies; what lies in several places is put together, behind all else."""
        stretches = self._stretches.get(run, [(0, 0)])
        if len(stretches) > 1:
            first = self._filled
            self._put(np.concatenate([self._room[start:end] for start, end in stretches]))
            stretches = self._stretches[run] = [(first, self._filled)]
        return stretches[0]

    def _put(self, durations: NDArray[np.signedinteger]) -> None:
        if durations.min() < np.iinfo(self._room.dtype).min:
            self._room = self._room.astype(np.int64)
        end = self._filled + len(durations)
        if end > len(self._room):
            # Of large arrays the system moves the pages: nothing is copied.
            self._room.resize(max(end, len(self._room) * 5 // 4), refcheck=False)
        self._room[self._filled : end] = durations
        self._filled = end


def _stretches(runs: NDArray[np.signedinteger]) -> NDArray[np.int64]:
    """Give where, in order, each stretch of rows of one run begins."""
    return np.concatenate([[0], np.flatnonzero(runs[1:] != runs[:-1]) + 1])
