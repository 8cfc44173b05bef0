"""Measurements taken in turns, so that what changes with time touches all sides alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

Sample = TypeVar("Sample")


def in_turns(
    repeat: int, contenders: Mapping[str, Callable[[], Sample]]
) -> dict[str, list[Sample]]:
    """Call each contender `repeat` times, one after another, round after round.

    A first round is not kept: it brings files and programs into the page cache.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in contenders}
    for number in range(repeat + 1):
        for name, measure in contenders.items():
            sample = measure()
            if number:
                samples[name].append(sample)
    return samples
