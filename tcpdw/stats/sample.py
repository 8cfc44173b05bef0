"""The intervals of one group of runs, and what is counted in them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Sample:
    """The certain intervals of one group of runs.

    `runs`: the index 0..n_runs-1 of each interval's run, int32; `durations`: ns, int64, in any
    order, as long as `runs`; `n_runs`: how many runs have at least one interval.
    """

    runs: NDArray[np.int32]
    durations: NDArray[np.int64]
    n_runs: int


def position(q: float, n: int) -> int:
    """Give the index, in ascending order from 0, of the q-quantile of `n` values; 0 <= q <= 1.

    It is the smallest value that at least the share q does not exceed: the inverse of the empirical
    distribution, type 1 of Hyndman and Fan 1996 (The American Statistician 50), and DuckDB's
    `quantile_disc`. q is taken as it is written: 0.07 of 100 is the 7th, not the 8th.
    """
    return max(math.ceil(Decimal(repr(float(q))) * n), 1) - 1


def counts(sample: Sample) -> NDArray[np.int64]:
    """Count the intervals of each run: int64, one a run."""
    return np.bincount(sample.runs, minlength=sample.n_runs)


def counts_within(sample: Sample, bound: int) -> NDArray[np.int64]:
    """Count each run's intervals that are no longer than `bound`, ns: int64, one a run."""
    return np.bincount(sample.runs[sample.durations <= bound], minlength=sample.n_runs)


def run_medians(sample: Sample) -> NDArray[np.int64]:
    """Give each run's median, ns, int64: the lower one where two are in the middle."""
    by_run = np.lexsort((sample.durations, sample.runs))
    sizes = counts(sample)
    starts = np.cumsum(sizes) - sizes
    return sample.durations[by_run][starts + (sizes - 1) // 2]
