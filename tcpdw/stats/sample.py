"""The intervals of one group of runs, and what is counted in them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Sample:
    """The certain intervals of one group of runs.

    `runs`: the index 0..n_runs-1 of each interval's run, int32; `durations`: ns, int64, in any
    order, as long as `runs`; `n_runs`: how many runs have at least one interval; `weights`: how
    many intervals of its run and length each entry stands for, int64; None for one each.
    """

    runs: NDArray[np.int32]
    durations: NDArray[np.int64]
    n_runs: int
    weights: NDArray[np.int64] | None = None

    @cached_property
    def intervals(self) -> int:
        """Count the intervals."""
        return len(self.durations) if self.weights is None else int(self.weights.sum())

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Count the intervals of each run: int64, one a run."""
        return self._upto[self._ends] - self._upto[self._starts]

    def at(self, place: int) -> int:
        """Give the duration, ns, at a place, from 0, in ascending order of all intervals."""
        durations, upto = self._ordered
        return int(durations[place if upto is None else np.searchsorted(upto, place, "right")])

    def within(self, bound: int) -> NDArray[np.int64]:
        """Count each run's intervals that are no longer than `bound`, ns: int64, one a run."""
        last = np.searchsorted(self._keys, self._firsts + self._lengths.upto(bound), "right")
        return self._upto[last] - self._upto[self._starts]

    def medians(self) -> NDArray[np.int64]:
        """Give each run's median, ns, int64: the lower one where two are in the middle."""
        place = self._upto[self._starts] + (self.sizes - 1) // 2
        entry = place if self.weights is None else np.searchsorted(self._upto, place, "right") - 1
        return self._lengths.of(self._keys[entry] & ((1 << self._lengths.bits) - 1))

    @cached_property
    def _ordered(self) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
        if self.weights is None:
            return np.sort(self.durations), None
        order = np.argsort(self.durations)
        return self.durations[order], np.cumsum(self.weights[order])

    @cached_property
    def _lengths(self) -> _Lengths:
        return _Lengths(self.durations, 62 - self.n_runs.bit_length())

    @cached_property
    def _order(self) -> NDArray[np.intp] | None:
        """Give the order of the entries by run and length, where they have weights."""
        return None if self.weights is None else np.argsort(self._unordered)

    @property
    def _unordered(self) -> NDArray[np.int64]:
        return (self.runs.astype(np.int64) << self._lengths.bits) + self._lengths.codes

    @cached_property
    def _keys(self) -> NDArray[np.int64]:
        """Give the entries as one number each, the run above the length, in ascending order.

        To sort such numbers is many times quicker than to sort by two arrays.
        """
        keys = self._unordered
        return np.sort(keys) if self._order is None else keys[self._order]

    @cached_property
    def _upto(self) -> NDArray[np.int64]:
        """Count the intervals before each entry, by run and length, and at last all."""
        if self.weights is None or self._order is None:
            return np.arange(len(self.durations) + 1)
        return np.concatenate([[0], np.cumsum(self.weights[self._order])])

    @cached_property
    def _firsts(self) -> NDArray[np.int64]:
        return np.arange(self.n_runs, dtype=np.int64) << self._lengths.bits

    @cached_property
    def _starts(self) -> NDArray[np.intp]:
        return np.searchsorted(self._keys, self._firsts)

    @cached_property
    def _ends(self) -> NDArray[np.intp]:
        return np.append(self._starts[1:], len(self.durations))


class _Lengths:
    """Durations as small numbers in the same order: `codes`, int64, of `bits` bits each.

    They are what the durations are above the least, or their places among the different ones where
    that would take more than `room` bits.
    """

    def __init__(self, durations: NDArray[np.int64], room: int) -> None:
        self._least = int(durations.min()) if len(durations) else 0
        highest = (int(durations.max()) if len(durations) else 0) - self._least
        self._different: NDArray[np.int64] | None = None
        if highest.bit_length() <= room:
            self.codes: NDArray[np.int64] = durations - self._least
        else:
            self._different, self.codes = np.unique(durations, return_inverse=True)
            highest = len(self._different) - 1
        self.bits = max(highest.bit_length(), 1)

    def upto(self, bound: int) -> int:
        """Give the highest code of what is no longer than `bound`, ns; -1 where nothing is."""
        if self._different is not None:
            return int(np.searchsorted(self._different, bound, "right")) - 1
        return min(max(bound - self._least, -1), (1 << self.bits) - 1)

    def of(self, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the durations, ns, of codes."""
        return codes + self._least if self._different is None else self._different[codes]


def position(q: float, n: int) -> int:
    """Give the index, in ascending order from 0, of the q-quantile of `n` values; 0 <= q <= 1.

    It is the smallest value that at least the share q does not exceed: the inverse of the empirical
    distribution, type 1 of Hyndman and Fan 1996 (The American Statistician 50), and DuckDB's
    `quantile_disc`. q is taken as it is written: 0.07 of 100 is the 7th, not the 8th.
    """
    return max(math.ceil(Decimal(repr(float(q))) * n), 1) - 1


def run_medians(sample: Sample) -> NDArray[np.int64]:
    """Give each run's median, ns, int64: the lower one where two are in the middle."""
    return sample.medians()
