"""Values that tasks hand on as they are."""

from __future__ import annotations

from typing import Generic, TypeVar

_T = TypeVar("_T")


class Held(Generic[_T]):
    """Carries a value past Prefect, which would walk through it, and may keep what it was given."""

    def __init__(self, value: _T) -> None:
        self._values = [value]

    def take(self) -> _T:
        """Give the value, and hold it no more."""
        return self._values.pop()

    def look(self) -> _T:
        """Give the value, and hold it still: another try will need it."""
        return self._values[0]
