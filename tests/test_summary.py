from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpdw import summary

LENGTHS = dict(summary.UNITS)


@pytest.mark.parametrize(
    ("duration", "unit", "text"),
    [
        (0, "us", "0"),
        (7, "ns", "7"),
        (999, "ns", "999"),
        (12_345, "ns", "12300"),
        (1_234, "us", "1.23"),
        (1_200, "us", "1.20"),
        (9_999, "us", "10.0"),
        (999_600, "us", "1000"),
        (5, "us", "0.005"),
        (1_234_567_890, "ms", "1230"),
        (50_000, "us", "50.0"),
        (-1_500, "us", "-1.50"),
    ],
)
def test_durations_have_three_significant_digits(duration: int, unit: str, text: str) -> None:
    assert summary.digits(duration, LENGTHS[unit]) == text


@given(st.integers(1, 10**15), st.sampled_from(sorted(LENGTHS.values())))
def test_digits_are_within_half_a_unit_of_the_third(duration: int, length: int) -> None:
    shown = float(summary.digits(duration, length))
    value = duration / length
    third = 10.0 ** (math.floor(math.log10(value)) - 2)
    assert abs(shown - value) <= third * 0.5000001


@pytest.mark.parametrize(
    ("durations", "unit"),
    [
        ([], "ns"),
        ([None, 0], "ns"),
        ([999], "ns"),
        ([1_000], "us"),
        ([5, 2_000_000, 3_000_000_000], "ms"),
        ([None, 10**9], "s"),
        ([-2_000], "us"),
    ],
)
def test_the_unit_fits_the_middle_one(durations: list[int | None], unit: str) -> None:
    assert summary.fitting(durations) == (unit, LENGTHS[unit])
