"""Text from traces, captures and archives, made fit to be shown and stored."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return `text` with every character that a terminal or UTF-8 cannot show as U+FFFD."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
