"""The intervals of one group of runs, and what is counted in them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tcpdw.stats.ascending import Ascending, medians
from tcpdw.stats.gathered import Gathered, Runs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tcpdw.stats.precision import Precision


@dataclass(frozen=True, eq=False)
class Sample:
    """The certain intervals of one group of runs; each run has one at least."""

    runs: Runs
    known: dict[float, Precision] = field(
        default_factory=dict[float, "Precision"], init=False, repr=False
    )
    """What `precision` found, by quantile."""

    @classmethod
    def of(cls, runs: NDArray[np.signedinteger], durations: NDArray[np.signedinteger]) -> Sample:
        """Make a sample of rows in any order.

        `runs`: the index, from 0, of each interval's run; `durations`: ns.
        """
        gathered = Gathered()
        gathered.add(runs, durations)
        return cls(gathered.runs(np.arange(int(runs.max(initial=-1)) + 1)))

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Give how many intervals each run has, int64."""
        return self.runs.sizes

    @cached_property
    def intervals(self) -> int:
        """Count the intervals."""
        return int(self.sizes.sum())

    @property
    def n_runs(self) -> int:
        """Count the runs."""
        return len(self.sizes)

    def at(self, place: int) -> int:
        """Give the duration, ns, at a place, from 0, in ascending order of all intervals."""
        return self._ascending.at(place)

    def within(self, bound: int) -> NDArray[np.int64]:
        """Count each run's intervals that are no longer than `bound`, ns: int64, one a run."""
        return self._ascending.within(bound)

    def medians(self) -> NDArray[np.int64]:
        """Give each run's median, ns, int64: the lower one where two are in the middle."""
        return medians(self.runs)

    @cached_property
    def _ascending(self) -> Ascending:
        return Ascending(self.runs)


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
