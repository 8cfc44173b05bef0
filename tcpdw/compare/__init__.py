"""Groups of runs beside each other: quantiles with intervals, differences, tests, and their why."""

from tcpdw.compare.comparing import compare
from tcpdw.compare.grouping import Between, By, Grouping
from tcpdw.compare.model import (
    QUANTILES,
    Breakdown,
    Change,
    Comparison,
    Delta,
    Exemplar,
    Group,
    MetricComparison,
    Part,
    Quantile,
    RunMedian,
    RunMedians,
    Split,
    Warning,
)

__all__ = [
    "QUANTILES",
    "Between",
    "Breakdown",
    "By",
    "Change",
    "Comparison",
    "Delta",
    "Exemplar",
    "Group",
    "Grouping",
    "MetricComparison",
    "Part",
    "Quantile",
    "RunMedian",
    "RunMedians",
    "Split",
    "Warning",
    "compare",
]
