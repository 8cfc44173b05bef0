"""Quantiles of runs with their intervals, and tests between groups of runs. Numpy and scipy alone.

The intervals within one run depend on each other: the run is the unit of everything here.
docs/comparison.md says what the figures mean and how well they hold in simulation.
"""

from tcpdw.stats.gathered import Gathered, Runs
from tcpdw.stats.intervals import Difference, Estimate, differences, quantiles
from tcpdw.stats.ranks import holm, rank_test
from tcpdw.stats.sample import Sample, run_medians

__all__ = [
    "Difference",
    "Estimate",
    "Gathered",
    "Runs",
    "Sample",
    "differences",
    "holm",
    "quantiles",
    "rank_test",
    "run_medians",
]
