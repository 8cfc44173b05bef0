"""What the marks of the timeline share: their places, and what is in view."""

from __future__ import annotations

from typing import Any

VISIBLE = "datum.b >= x0 && datum.a <= x1"
"""Of a mark from `a` to `b`: some of it is in view."""

INSIDE = "datum.t >= x0 && datum.t <= x1"
"""Of a mark at `t`: it is in view."""

PIXELS = "/ (x1 - x0) * width"
"""After a length in ns: makes it pixels."""

BEGINS = "format(datum.a, '+,') + ' ns'"
AT = "format(datum.t, '+,') + ' ns'"
"""The exact time of a mark that begins at `a`, or is at `t`, as text."""

CHARACTER = 6.3
"""The width of a character of the labels, pixels, about."""

BOLD = 7.4
"""The width of a bold one."""


def x(alt: Any, field: str) -> Any:
    """Give the place of a time, ns since the timeline's origin, in what is in view."""
    domain = [alt.ExprRef("x0"), alt.ExprRef("x1")]
    return alt.X(f"{field}:Q", scale=alt.Scale(domain=domain, nice=False, zero=False))


def y(alt: Any, field: str) -> Any:
    """Give the place of pixels from the top."""
    return alt.Y(f"{field}:Q", axis=None)


def tips(alt: Any, **titles: str) -> list[Any]:
    """Give what is told on hover: fields with their titles, the one called `title` as heading."""
    return [alt.Tooltip(f"{field}:N", title=title) for field, title in titles.items()]
