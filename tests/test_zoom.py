"""Zooming the charts of a metric: both at once, by any means, and the page scrolls as ever."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Watched
from playwright.sync_api import Browser, FloatRect, Locator, Page

from tcpdw.cli import entry
from tcpdw.report import chart_scales

SIGNALS = """(id) => tcpdw.chart(id).then(view => view.runAsync()).then(view =>
    ['low', 'high', 'ticks'].map(name => view.signal(name)))"""
# Where durations stand on the screen, pixels.
PLACES = """([id, durations]) => tcpdw.chart(id).then(view => {
    const svg = document.querySelector(`#${id} svg`).getBoundingClientRect();
    return durations.map(one => svg.left + view.origin()[0] + view.padding().left
        + view.scale('x')(one));
})"""
ABOVE, BELOW = "plot-ecdf", "plot-medians"

Signals = tuple[float, float, list[float]]


@pytest.fixture(scope="module")
def made(loaded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("zoom") / "x.html"
    arguments = ["--warehouse", str(loaded), "plot", "softirq_duration", "-o", str(path)]
    assert entry.run([*arguments, "--runs", "role = 'server'"]) == 0
    return path


@pytest.fixture
def shown(browser: Browser, made: Path) -> Iterator[Page]:
    with Watched(browser, made) as page:
        page.wait_for_selector("html.ready")
        page.wait_for_selector(".zoom[data-drawn]")
        yield page


def signals(page: Page, chart: str = ABOVE) -> Signals:
    # What was asked for is drawn with the next frame.
    page.evaluate("new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))")
    low, high, ticks = page.evaluate(SIGNALS, chart)
    return low, high, ticks


def box(page: Page, chart: str = ABOVE) -> FloatRect:
    page.locator(f"#{chart}").scroll_into_view_if_needed()
    found = page.locator(f"#{chart} svg").bounding_box()
    assert found is not None
    return found


def reset(page: Page) -> Locator:
    return page.get_by_role("button", name="Show all")


def drag(page: Page, first: float, last: float, chart: str = ABOVE) -> None:
    """Drag over a chart from one duration to another, ns."""
    area = box(page, chart)
    a, b = page.evaluate(PLACES, [chart, [first, last]])
    middle = area["y"] + area["height"] / 3
    page.mouse.move(a, middle)
    page.mouse.down()
    page.mouse.move((a + b) / 2, middle + 3)
    page.mouse.move(b, middle + 5)
    page.mouse.up()


@pytest.mark.parametrize("chart", [ABOVE, BELOW])
def test_dragging_zooms_both_charts_to_what_was_dragged_over(shown: Page, chart: str) -> None:
    whole = signals(shown)
    assert reset(shown).is_hidden()
    drag(shown, 200_000, 20_000, chart)
    low, high, ticks = signals(shown)
    # A pixel of this axis is some 1 %.
    assert (low, high) == (pytest.approx(20_000, rel=0.02), pytest.approx(200_000, rel=0.02))
    assert signals(shown, BELOW) == (low, high, ticks)
    assert ticks == [20_000, 50_000, 100_000, 200_000][low > 20_000 : 4 - (high < 200_000)]
    told = shown.locator(".zoom output").inner_text()
    assert re.fullmatch(r"(19|20)\.\d μs to (19\d|20\d) μs in view", told)
    labels = shown.locator(f"#{BELOW} svg text").all_text_contents()
    assert {"50 μs", "100 μs"} <= set(labels)
    assert "10 ms" not in labels
    reset(shown).click()
    assert signals(shown) == signals(shown, BELOW) == whole
    assert reset(shown).is_hidden()


def test_marks_that_are_not_in_view_are_not_drawn(shown: Page) -> None:
    count = "chart => tcpdw.chart(chart).then(view => view.runAsync()).then(view => " \
        "view.data('points').length)"  # fmt: skip
    marks = shown.locator(f"#{BELOW} .mark-symbol path")
    every = marks.count()
    assert every == shown.evaluate(count, BELOW)
    medians = shown.evaluate(
        f"tcpdw.chart('{BELOW}').then(view => view.data('points').map(row => row.dur))"
    )
    drag(shown, 32_000, 300_000)
    low, high, _ = signals(shown)
    assert 0 < marks.count() == sum(low <= dur <= high for dur in medians) < every


def test_ctrl_and_the_wheel_zoom_where_the_pointer_is(shown: Page) -> None:
    low, high, _ = signals(shown)
    area = box(shown)
    [place] = shown.evaluate(PLACES, [ABOVE, [100_000]])
    shown.mouse.move(place, area["y"] + 50)
    shown.keyboard.down("Control")
    shown.mouse.wheel(0, -100)
    after = signals(shown)
    shown.keyboard.up("Control")
    assert low < after[0] < 100_000 < after[1] < high
    assert shown.evaluate(PLACES, [ABOVE, [100_000]])[0] == pytest.approx(place, abs=1)
    assert shown.evaluate("visualViewport.scale") == 1


def test_the_wheel_alone_scrolls_the_page(shown: Page) -> None:
    whole = signals(shown)
    shown.set_viewport_size({"width": 1000, "height": 300})
    area = box(shown)
    before = shown.evaluate("scrollY")
    shown.mouse.move(area["x"] + 300, area["y"] + 50)
    shown.mouse.wheel(0, 60)
    shown.evaluate(
        """before => new Promise(go => {
            const look = () => scrollY > before ? go() : requestAnimationFrame(look);
            look();
        })""",
        before,
    )
    assert signals(shown) == whole


def test_two_clicks_show_all_and_one_changes_nothing(shown: Page) -> None:
    whole = signals(shown)
    drag(shown, 20_000, 200_000)
    zoomed = signals(shown)
    area = box(shown)
    shown.mouse.click(area["x"] + area["width"] / 2, area["y"] + 60)
    assert signals(shown) == zoomed != whole
    shown.mouse.dblclick(area["x"] + area["width"] / 2, area["y"] + 60)
    assert signals(shown) == whole


def test_keys_zoom_move_and_show_all(shown: Page) -> None:
    whole = low, high, _ = signals(shown)
    stage = shown.get_by_role("group", name="to zoom")
    stage.focus()
    shown.keyboard.press("+")
    first = signals(shown)
    # Half of it, on a log axis, about the middle.
    assert first[1] / first[0] == pytest.approx((high / low) ** 0.5)
    assert first[0] * first[1] == pytest.approx(low * high)
    shown.keyboard.press("ArrowRight")
    second = signals(shown)
    assert second[0] / first[0] == pytest.approx((first[1] / first[0]) ** 0.2)
    assert second[1] / second[0] == pytest.approx(first[1] / first[0])
    for _ in range(20):
        shown.keyboard.press("ArrowRight")
    assert signals(shown)[1] == pytest.approx(high)
    assert signals(shown)[1] / signals(shown)[0] == pytest.approx(first[1] / first[0])
    for _ in range(20):
        shown.keyboard.press("+")
    narrow = signals(shown)
    assert narrow[1] / narrow[0] == pytest.approx(1.005)
    # What has the focus stays where it is when the button that reset it goes.
    reset(shown).focus()
    shown.keyboard.press("Enter")
    assert signals(shown) == whole
    shown.keyboard.press("+")
    assert signals(shown)[0] > low
    shown.keyboard.press("0")
    assert signals(shown) == whole


def test_hovering_works_where_it_is_zoomed(shown: Page) -> None:
    drag(shown, 20_000, 100_000)
    signals(shown)
    shown.locator(f"#{BELOW} .mark-symbol path").first.hover()
    assert "median of a run" in shown.locator("#vg-tooltip-element.visible").inner_text()


def test_ticks_are_those_of_the_pictures(shown: Page) -> None:
    chosen = random.Random(5)
    for _ in range(200):
        low = float(f"{10 ** chosen.uniform(0, 10):.4g}")
        high = float(f"{low * 10 ** chosen.uniform(0.005, 6):.4g}")
        found = shown.evaluate("([low, high]) => tcpdw.ticks(low, high)", [low, high])
        assert found == pytest.approx(chart_scales._ticks(low, high)), (low, high)
        assert all(low <= one <= high for one in found)
