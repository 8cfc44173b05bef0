"""Places in the ascending order of a group's intervals."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from tcpdw.stats.gathered import LONG, Runs

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FEW = 1 << 19
"""So many intervals are sorted as a whole; of more, only those near the places asked for."""

_PROBES = 1 << 15
"""So many intervals, evenly spaced in each run, tell where about a place is."""

_REACH = 32
"""How many probes to each side of where it is expected a place is looked for at first."""

_MOST = 1 << 20
"""So many are taken out and sorted at once."""


def within(runs: Runs, bound: int) -> NDArray[np.int64]:
    """Count each run's intervals that are no longer than `bound`, ns: int64, one a run."""
    found = _within(runs, min(bound, LONG - 1), np.zeros_like(runs.sizes), runs.sizes)
    if bound >= LONG:
        last = np.searchsorted(runs.long, bound, side="right")
        found += np.bincount(runs.long_runs[:last], minlength=len(found))
    return found


def medians(runs: Runs) -> NDArray[np.int64]:
    """Give each run's median, ns, int64: the lower one where two are in the middle."""
    middle = (runs.sizes - 1) // 2
    found = runs.durations[runs.starts + middle].astype(np.int64)
    for run in np.flatnonzero(found == LONG).tolist():
        long = runs.long[runs.long_runs == run]
        found[run] = long[middle[run] - (runs.sizes[run] - len(long))]
    return found


def _within(
    runs: Runs, bound: int, least: NDArray[np.int64], most: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Count the same, to a bound below LONG, where it is known to be from `least` to `most`."""
    # A binary search in all runs at once, by steps that halve.
    found = least.copy()
    before = runs.starts - 1
    for bit in reversed(range(int((most - least).max(initial=0)).bit_length())):
        there = found + (1 << bit)
        is_within = there <= most
        is_within &= runs.durations[before + np.minimum(there, runs.sizes)] <= bound
        found[is_within] += 1 << bit
    return found


@dataclass(frozen=True, slots=True)
class _Bound:
    """A length in ns, how many of each run's intervals are no longer, and how many of all."""

    length: int
    within: NDArray[np.int64]
    count: int


class Ascending:
    """The intervals of all runs together, by length; every run has one at least."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._n = int(runs.sizes.sum())
        self._known: list[tuple[int, NDArray[np.signedinteger]]] = []
        self._bounds: list[_Bound] = []
        if self._n <= _FEW:
            edges = zip(runs.starts.tolist(), (runs.starts + runs.sizes).tolist(), strict=True)
            every = np.concatenate([runs.durations[start:end] for start, end in edges])
            every.sort()
            self._known.append((0, every))
            return
        step = -(-self._n // _PROBES)
        ends = np.cumsum(runs.sizes)
        places = np.arange(step // 2, self._n, step)
        run = np.searchsorted(ends, places, side="right")
        there = runs.starts[run] + places - (ends[run] - runs.sizes[run])
        self._probes = np.sort(runs.durations[there])
        least = int(runs.durations[runs.starts].min())
        longest = int(runs.durations[runs.starts + runs.sizes - 1].max())
        # All bounds that were counted to, by length: what is between two needs few looks.
        self._bounds = [
            _Bound(least - 1, np.zeros_like(runs.sizes), 0),
            _Bound(longest, runs.sizes, self._n),
        ]

    def within(self, bound: int) -> NDArray[np.int64]:
        """Count each run's intervals that are no longer than `bound`, ns: int64, one a run."""
        if not self._bounds or not self._bounds[0].length < bound < self._bounds[-1].length:
            return within(self._runs, bound)
        return self._bound(bound).within

    def at(self, place: int) -> int:
        """Give the duration, ns, at a place from 0."""
        short = self._n - len(self._runs.long)
        if place >= short:
            return int(self._runs.long[place - short])
        for first, found in self._known:
            if 0 <= place - first < len(found):
                return int(found[place - first])
        first, found = self._around(place)
        self._known.append((first, found))
        return int(found[place - first])

    def _around(self, place: int) -> tuple[int, NDArray[np.signedinteger]]:
        """Give the lengths around a place, ascending, and the place of the first of them."""
        low, high = self._between(place)
        while high.count - low.count > _MOST and high.length - low.length > 1:
            middle = self._bound((low.length + high.length) // 2)
            low, high = (low, middle) if middle.count > place else (middle, high)
        if high.length - low.length == 1:
            return low.count, np.broadcast_to(np.int64(high.length), high.count - low.count)
        return low.count, _taken(self._runs, low.within, high.within)

    def _between(self, place: int) -> tuple[_Bound, _Bound]:
        """Give bounds that a place is between: beyond the lower one, and within the other.

        Each run was probed evenly, but for its ends: the probes tell a place with an error of a few
        probes, and where they do not, a wider span is looked at.
        """
        probes = self._probes
        middle, reach = place * len(probes) // self._n, _REACH
        while True:
            left, right = middle - reach, middle + reach
            low = self._bound(int(probes[left])) if left >= 0 else self._bounds[0]
            high = self._bound(int(probes[right])) if right < len(probes) else self._bounds[-1]
            if low.count <= place < high.count:
                return low, high
            reach *= 4

    def _bound(self, length: int) -> _Bound:
        """Count to a length that is none beyond the longest or below the shortest."""
        place = bisect_left(self._bounds, length, key=attrgetter("length"))
        above = self._bounds[place]
        if above.length == length:
            return above
        below = self._bounds[place - 1]
        found = _within(self._runs, length, below.within, above.within)
        self._bounds.insert(place, _Bound(length, found, int(found.sum())))
        return self._bounds[place]


def _taken(
    runs: Runs, first: NDArray[np.int64], last: NDArray[np.int64]
) -> NDArray[np.signedinteger]:
    """Give what lies in each run from a place on and before another, all of it ascending."""
    sizes = last - first
    there = np.repeat(runs.starts + first - (np.cumsum(sizes) - sizes), sizes)
    there += np.arange(len(there))
    taken = runs.durations[there]
    taken.sort()
    return taken
