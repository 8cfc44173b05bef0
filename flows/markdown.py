"""Markdown for artifacts. What it shows comes from traces, archives and SQL: hostile."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tcpdw.output import clean

MAX_TEXT = 300
"""A text is cut after so many characters."""

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
# What is left as it is means nothing within a table's cell.
_SPECIAL = re.compile(r"[!-+./:-@\[-`{-~]")


def shortened(text: str) -> str:
    """Return `text` on one line, its control characters visible, cut after MAX_TEXT characters."""
    text = clean(text)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def escaped(text: str) -> str:
    """Return `text` so that Markdown shows it as it is: no markup, no HTML, no links."""
    return _SPECIAL.sub(lambda match: _ENTITIES.get(match[0], "\\" + match[0]), shortened(text))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], right: int = 0) -> list[str]:
    """Give the lines of a table, every cell escaped; the last `right` columns align right."""
    marks = [":--"] * (len(columns) - right) + ["--:"] * right
    lines = [columns, *rows]
    cells = ["| " + " | ".join(map(escaped, line)) + " |" for line in lines]
    return [cells[0], f"|{'|'.join(marks)}|", *cells[1:]]
