"""The intervals of one group of runs, and what is counted in them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tcpdw.stats.precision import Precision


_BITS = 62
"""A number for a run and a length has so many bits; only a hostile length needs more."""


@dataclass(frozen=True, eq=False)
class Sample:
    """The certain intervals of one group of runs.

    `durations`: ns, int32 or int64, one run's after the other's, in ascending order in each;
    `sizes`: how many intervals each run has, one at least, int64.
    """

    durations: NDArray[np.signedinteger]
    sizes: NDArray[np.int64]
    known: dict[float, Precision] = field(
        default_factory=dict[float, "Precision"], init=False, repr=False
    )
    """What `precision` found, by quantile."""
    _ascending: NDArray[np.signedinteger] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Sort all: what is asked for later then takes next to no time."""
        object.__setattr__(self, "_ascending", np.sort(self.durations))

    @classmethod
    def of(cls, runs: NDArray[np.signedinteger], durations: NDArray[np.signedinteger]) -> Sample:
        """Make a sample of rows in any order; `runs`: the index, from 0, of each interval's run."""
        return cls(*by_run(runs, durations, np.arange(int(runs.max(initial=-1)) + 1)))

    @property
    def intervals(self) -> int:
        """Count the intervals."""
        return len(self.durations)

    @property
    def n_runs(self) -> int:
        """Count the runs."""
        return len(self.sizes)

    def at(self, place: int) -> int:
        """Give the duration, ns, at a place, from 0, in ascending order of all intervals."""
        return int(self._ascending[place])

    def within(self, bound: int) -> NDArray[np.int64]:
        """Count each run's intervals that are no longer than `bound`, ns: int64, one a run."""
        # A binary search in all runs at once: of each, `low` are within, and not more than `high`.
        starts = self._starts
        low, high = np.zeros_like(self.sizes), self.sizes.copy()
        for _ in range(int(self.sizes.max(initial=0)).bit_length()):
            middle = (low + high) // 2
            open_ = low < high
            # Where nothing is open, any place will do.
            is_within = self.durations[starts + np.where(open_, middle, 0)] <= bound
            low = np.where(open_ & is_within, middle + 1, low)
            high = np.where(open_ & ~is_within, middle, high)
        return low

    def medians(self) -> NDArray[np.int64]:
        """Give each run's median, ns, int64: the lower one where two are in the middle."""
        return self.durations[self._starts + (self.sizes - 1) // 2].astype(np.int64)

    @property
    def _starts(self) -> NDArray[np.int64]:
        return np.cumsum(self.sizes) - self.sizes


def by_run(
    runs: NDArray[np.signedinteger],
    durations: NDArray[np.signedinteger],
    order: NDArray[np.signedinteger],
) -> tuple[NDArray[np.signedinteger], NDArray[np.int64]]:
    """Order intervals by run and length; give their durations, and how many each run has, int64.

    `order`: all the runs, each once, in the order that is wanted.
    """
    if not len(durations):
        return durations, np.zeros(len(order), np.int64)
    least, longest = int(durations.min()), int(durations.max())
    bits = (longest - least).bit_length()
    places = np.zeros(int(order.max()) + 1, np.int64)
    places[order] = np.arange(len(order))
    if bits + len(order).bit_length() > _BITS:
        place = places[runs]
        return durations[np.lexsort((durations, place))], np.bincount(place, minlength=len(order))
    # One number each, the run above the length: to sort them is many times quicker than by two.
    keys = ((places << bits) - least)[runs]
    keys += durations
    keys.sort()
    ends = np.searchsorted(keys, np.arange(1, len(order) + 1) << bits)
    keys &= (1 << bits) - 1
    keys += least
    narrow = np.iinfo(np.int32)
    fits = narrow.min <= least and longest <= narrow.max
    return keys.astype(np.int32) if fits else keys, np.diff(ends, prepend=0)


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
