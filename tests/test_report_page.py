"""The shell of pages: self-contained, safe with any name, legible in both themes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Scheme, Watched
from playwright.sync_api import Browser

from tcpdw.errors import TcpdwError
from tcpdw.report import page, theme

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(2)>",
    "\x1b[2J\x1b]0;title\x07red",
    "\"'`&lt;{{ 7 * 7 }}",
    "half \ud800 \udcff \u202e mark\n\t\x00",
    "<!--" + "x" * 400,
)
SHOWN = (
    *HOSTILE[:2],
    "\\x1b[2J\\x1b]0;title\\x07red",
    HOSTILE[3],
    "half \\ud800 \\udcff \\u202e mark\\n\\t\\x00",
    HOSTILE[5],
)
TEMPLATE = """{% extends "base.html" %}{% import "parts.html" as parts %}
{% block main %}<h2>{{ names[0] }}</h2>{{ parts.chart(chart) }}{{ parts.table(table) }}
{% endblock %}"""


def spec(names: tuple[str, ...]) -> page.Chart:
    return page.Chart(
        "points",
        f"points of {names[0]}",
        {
            "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
            "width": "container",
            "height": 240,
            "data": {"name": "points"},
            "mark": {"type": "point", "filled": True, "size": 200, "tooltip": True},
            "encoding": {
                "x": {"field": "x", "type": "quantitative"},
                "y": {"field": "name", "type": "nominal", "title": None},
                "color": {"field": "name", "type": "nominal", "legend": None},
                "tooltip": [
                    {"field": "name", "type": "nominal"},
                    {"field": "x", "type": "nominal"},
                ],
            },
        },
        {"points": page.Rows(("x", "name"), [(n, name) for n, name in enumerate(names, 1)])},
        caption=names[1],
        numbers=page.Table(names[2], ("name", "x"), [(name, "1") for name in names]),
    )


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "templates"
    folder.mkdir()
    for file in page.TEMPLATES.iterdir():
        (folder / file.name).write_text(file.read_text())
    (folder / "try.html").write_text(TEMPLATE)
    monkeypatch.setattr(page, "TEMPLATES", folder)
    page._environment.cache_clear()
    cells = [(page.Cell(name, 12, "slower", 1, name), name) for name in HOSTILE]
    table = page.Table(HOSTILE[0], ("name", HOSTILE[1]), cells, frozenset({"name"}))
    html = page.render(
        "try.html", title=HOSTILE[0], names=HOSTILE, chart=spec(HOSTILE), table=table
    )
    path = tmp_path / "page.html"
    page.write(path, html)
    yield path
    page._environment.cache_clear()


READY = "html.ready"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_hostile_names_are_text(browser: Browser, made: Path, scheme: Scheme, width: int) -> None:
    with Watched(browser, made, scheme, width) as shown:
        shown.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        shown.wait_for_selector(READY)
        assert shown.title() == SHOWN[0]
        headings = shown.locator("tbody th").all_inner_texts()
        assert set(SHOWN) <= set(headings)
        assert shown.locator("main img, main b").count() == 0
        label = shown.locator("#points").get_attribute("aria-label")
        assert label == f"points of {SHOWN[0]}"
        texts = shown.evaluate(
            "tcpdw.chart('points').then(view => view.data('points').map(row => row.name))"
        )
        assert texts == list(SHOWN)
        assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_tooltip_shows_a_hostile_name_as_text(browser: Browser, made: Path) -> None:
    with Watched(browser, made) as shown:
        shown.wait_for_selector(READY)
        shown.locator("#points .mark-symbol path").nth(1).hover()
        tip = shown.locator("#vg-tooltip-element.visible")
        assert SHOWN[1] in tip.inner_text()
        assert tip.locator("img").count() == 0


def test_the_button_changes_page_and_charts(browser: Browser, made: Path) -> None:
    def colours(shown: object) -> list[str]:
        return shown.evaluate(  # type: ignore[attr-defined]
            "[getComputedStyle(document.documentElement).backgroundColor,"
            " getComputedStyle(document.querySelector('#points .mark-symbol path')).fill]"
        )

    def rgb(name: str, dark: bool) -> str:
        text = theme.COLOURS[name][dark]
        return f"rgb({', '.join(str(int(text[at : at + 2], 16)) for at in (1, 3, 5))})"

    with Watched(browser, made, "dark") as shown:
        shown.wait_for_selector(READY)
        # The names stand in the order of the alphabet: the first colour is the first name's.
        assert colours(shown)[0] == rgb("paper", True)
        series = {rgb(f"s{n}", True) for n in range(1, 9)}
        assert colours(shown)[1] in series
        button = shown.get_by_role("button", name="Light theme")
        button.focus()
        shown.keyboard.press("Enter")
        assert colours(shown)[0] == rgb("paper", False)
        assert colours(shown)[1] in {rgb(f"s{n}", False) for n in range(1, 9)}
        shown.get_by_role("button", name="Dark theme").click()
        shown.emulate_media(media="print")
        assert colours(shown)[0] == rgb("paper", False)


def leave_alone(watched: Watched) -> None:
    with watched as shown:
        shown.wait_for_selector(READY)
        assert shown.evaluate("typeof window.ran") == "undefined"


def test_a_script_that_the_page_does_not_name_is_refused(browser: Browser, made: Path) -> None:
    text = made.read_text().replace("</footer>", "</footer><script>window.ran = 1</script>")
    made.write_text(text)
    watched = Watched(browser, made)
    with pytest.raises(AssertionError, match="Content Security Policy"):
        leave_alone(watched)


def test_data_in_a_page_cannot_end_its_element() -> None:
    text = page.as_json(list(HOSTILE))
    assert "<" not in text
    assert json.loads(text) == list(SHOWN)


def test_a_chart_standing_alone_has_data_and_colours_in_it() -> None:
    whole = spec(HOSTILE).standing_alone()
    assert "var(" not in json.dumps(whole)
    assert whole["datasets"]["points"][2] == {"x": 3, "name": SHOWN[2]}
    assert whole["background"] == "#ffffff"
    assert whole["config"]["axis"]["gridColor"] == theme.COLOURS["grid"][0]


def luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_colours_stand_out_as_wcag_aa_asks(dark: bool) -> None:
    colour = {name: pair[dark] for name, pair in theme.COLOURS.items()}
    for name in ("ink", "muted", "link", "slower", "faster", "note"):
        for behind in ("paper", "panel"):
            assert contrast(colour[name], colour[behind]) >= 4.5, (name, behind)
    for name in (f"s{number}" for number in range(1, 9)):
        assert contrast(colour[name], colour["paper"]) >= 3, name


def test_the_style_sheet_knows_every_colour_it_names() -> None:
    used = set(re.findall(r"var\(--(\w+)\)", (page.TEMPLATES / "page.css").read_text()))
    used |= set(re.findall(r"var\(--(\w+)\)", json.dumps(theme.CONFIG)))
    assert used <= set(theme.COLOURS)


def test_a_page_that_cannot_be_written_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(TcpdwError, match="cannot be written"):
        page.write(tmp_path / "taken", "x")
    with pytest.raises(TcpdwError, match="cannot be written"):
        page.write(tmp_path / "missing" / "x.html", "x")
    assert [item.name for item in tmp_path.iterdir()] == ["taken"]
