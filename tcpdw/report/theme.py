"""Colours by meaning, light and dark, and how charts look: the page's CSS and Vega share them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

COLOURS: Mapping[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#14171a"),
    "panel": ("#f5f6f8", "#1d2125"),
    "ink": ("#1b1e22", "#e9ebee"),
    "muted": ("#5a6169", "#a5adb6"),
    "rule": ("#d5d9de", "#3a4047"),
    "grid": ("#e8ebee", "#282d32"),
    "link": ("#0b5cad", "#7cb8f2"),
    "slower": ("#b3261e", "#ff8f85"),
    "faster": ("#0b6b4c", "#5fd3a6"),
    "note": ("#8a5300", "#f0b95a"),
    # Okabe and Ito's where they stand out from the paper by 3:1, else darker or lighter ones.
    "s1": ("#0072b2", "#4ba3e3"),
    "s2": ("#d55e00", "#ff8b3d"),
    "s3": ("#008f69", "#2cc498"),
    "s4": ("#b8578f", "#e58fc0"),
    "s5": ("#3d8ec4", "#8fd0f7"),
    "s6": ("#a87400", "#e8b021"),
    "s7": ("#4a4f57", "#c3c9d1"),
    "s8": ("#7a52b3", "#b797ea"),
    # Stages, in the order of time: what stands in them is numbered.
    "t0": ("#70767e", "#9aa2ab"),
    "t1": ("#22577a", "#9cc9e6"),
    "t2": ("#a5530f", "#f2b277"),
    "t3": ("#2d6a4f", "#8fd3b1"),
    "t4": ("#7b3f6e", "#dfa9d1"),
    "t5": ("#5b6470", "#c2cad3"),
    "t6": ("#6b5d00", "#d9c862"),
    "onstage": ("#ffffff", "#14171a"),
}
"""The colours on a light page and on a dark one; `var(--NAME)` is one in CSS and in charts."""

SERIES = tuple(f"var(--s{number})" for number in range(1, 9))
"""The colours of groups, in order, told apart by people who see few colours."""

STAGES = tuple(f"var(--t{number})" for number in range(1, 7))
"""The colours of stages, in the order of time; `onstage` is legible on each."""

SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-right",
    "triangle-left",
)
"""The marks of groups, beside their colours."""

DASHES = ((1, 0), (7, 3), (2, 2), (9, 3, 2, 3), (4, 2), (12, 4), (1, 3), (6, 2, 1, 2, 1, 2))
"""The lines of groups, beside their colours: lengths drawn and left out, in pixels."""

FONT = 'system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif'

CONFIG: Mapping[str, Any] = {
    "background": "transparent",
    "font": FONT,
    # The page gives each chart its name and a table: a mark each would bury who listens.
    "aria": False,
    "autosize": {"type": "fit-x", "contains": "padding"},
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--muted)",
        "titleColor": "var(--muted)",
        "domainColor": "var(--rule)",
        "tickColor": "var(--rule)",
        "gridColor": "var(--grid)",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 180,
    },
    "legend": {
        "labelColor": "var(--ink)",
        "titleColor": "var(--muted)",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 240,
    },
    "header": {"labelColor": "var(--ink)", "titleColor": "var(--muted)"},
    "title": {
        "color": "var(--ink)",
        "subtitleColor": "var(--muted)",
        "fontSize": 15,
        "subtitleFontSize": 12,
        "anchor": "start",
        "offset": 12,
    },
    "text": {"color": "var(--ink)", "fontSize": 12},
    "rule": {"color": "var(--muted)"},
    "range": {"category": list(SERIES), "symbol": list(SHAPES)},
}
"""Vega-Lite's configuration of every chart."""

_VARIABLE = re.compile(r"var\(--([a-z0-9]+)\)")


def css(dark: bool) -> str:
    """Give the declarations of all colours."""
    return "".join(f"--{name}:{pair[dark]};" for name, pair in COLOURS.items())


def resolved(value: Any, *, dark: bool = False) -> Any:
    """Give a specification with the colours themselves, for a picture that stands alone."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: COLOURS[found[1]][dark], value)
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {key: resolved(item, dark=dark) for key, item in items}
    if isinstance(value, list | tuple):
        return [resolved(item, dark=dark) for item in cast("list[Any]", value)]
    return value
