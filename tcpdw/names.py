"""Names that a person may have meant by one that does not exist."""

from __future__ import annotations

from collections.abc import Iterable


def closest(name: str, known: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """Give the names most like `name`, best first, at most `count`; none where none is like it."""
    import difflib

    return tuple(difflib.get_close_matches(name, list(known), count, 0.6))
