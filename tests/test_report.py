"""The report: a page whose figures are the SQL's, that works offline and for everyone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
from browser import Watched
from playwright.sync_api import Browser, Page

from tcpdw import query, summary
from tcpdw.cli import entry
from tcpdw.errors import UsageError
from tcpdw.report import chart_scales, charts, page, scope, stage_charts
from tcpdw.report.report import report
from tcpdw.warehouse import Warehouse

READY = "html.ready"


@pytest.fixture(scope="module")
def made(loaded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    assert entry.run(["--warehouse", str(loaded), "report", "--out", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def shown(browser: Browser, made: Path) -> Iterator[Page]:
    with Watched(browser, made) as page:
        page.wait_for_selector(READY)
        yield page


def test_the_page_works_in_a_browser(shown: Page) -> None:
    charts = shown.locator(".chart")
    assert charts.count() > 30
    assert shown.locator(".chart svg").count() == charts.count()
    names = [charts.nth(n).get_attribute("aria-label") for n in range(charts.count())]
    assert all(names)
    assert len(set(names)) == len(names)
    levels = shown.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4')].map(item => +item.tagName[1])"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert shown.evaluate("[...document.querySelectorAll('table')].every(t => t.caption)")
    ids = shown.evaluate("[...document.querySelectorAll('[id]')].map(item => item.id)")
    assert len(set(ids)) == len(ids)


def test_the_figures_are_the_sqls(shown: Page, loaded: Path) -> None:
    tables = shown.evaluate(
        """[...document.querySelectorAll('table.compared')].map(table => [
            table.caption.innerText,
            [...table.tBodies[0].rows].map(row => [...row.cells].map(cell =>
                cell.querySelector('data')?.value ?? cell.innerText.trim().split('\\n')[0]))])"""
    )
    assert len(tables) > 20
    with query.opened(loaded) as connection:
        for caption, rows in tables:
            metric, role = re.match(r"(\w+), (\w+):", caption).groups()
            runs = query.run_ids(connection, f"experiment = 'handshake' AND role = '{role}'")
            groups = summary.summarize(connection, summary.metric_named(metric), ["machine"], runs)
            expected = [
                [str(g.by[0]), *map(str, (g.runs, g.intervals, *g.durations))] for g in groups
            ]
            assert rows == expected, caption


def test_a_group_of_which_nothing_is_shown_says_so_once(shown: Page) -> None:
    rows = shown.evaluate(
        """[...document.querySelectorAll('table.compared')].flatMap(table =>
            [...table.tBodies[0].rows].slice(1).map(row => [
                row.cells[0].innerText.includes('~ none shown'),
                row.querySelectorAll('.under.slower, .under.faster').length,
                row.querySelectorAll('.under.same').length]))"""
    )
    kinds = {is_silent for is_silent, _, _ in rows}
    assert kinds == {True, False}
    for is_silent, shown_in, not_in in rows:
        # Else each of the three quantiles says what is shown.
        assert (shown_in + not_in, shown_in > 0) == ((0, False) if is_silent else (3, True))


def test_the_longest_intervals_are_the_sqls(shown: Page, loaded: Path) -> None:
    section = shown.locator("section[aria-labelledby=wake_to_run] .panel").first
    table = section.locator("table", has=shown.get_by_text("The longest certain"))
    found = table.evaluate(
        """table => [...table.tBodies[0].rows].map(row =>
            [row.cells[0].textContent, +row.cells[1].querySelector('data').value,
             row.cells[3].textContent])"""
    )
    with query.opened(loaded) as connection:
        expected = query.execute(
            connection,
            "SELECT machine, dur, 'tcpdw timeline ' || name || ' --at +' || "
            "printf('%.6f', (ts - first_ts) / 1e9) || 's' FROM wake_to_run JOIN runs "
            "USING (run_id) WHERE certain AND experiment = 'handshake' AND role = 'server' "
            "QUALIFY ROW_NUMBER() OVER (PARTITION BY machine ORDER BY dur DESC) <= 5 "
            "ORDER BY machine, dur DESC",
        ).rows
    assert [tuple(row) for row in found] == [tuple(row) for row in expected]


def test_hovering_shows_the_quantile(shown: Page, loaded: Path) -> None:
    shown.locator("#syn_to_wake-0-ecdf .mark-symbol path").first.hover()
    tip = shown.locator("#vg-tooltip-element.visible").inner_text()
    assert "kestrel" in tip
    with query.opened(loaded) as connection:
        [[p50]] = query.execute(
            connection,
            "SELECT QUANTILE_DISC(dur, 0.5) FROM syn_to_wake JOIN runs USING (run_id) "
            "WHERE certain AND experiment = 'handshake' AND machine = 'kestrel'",
        ).rows
    assert f"{p50 / 1e6:.1f} ms" in tip
    assert "p50" in tip


def test_a_narrow_page_does_not_scroll_sideways(browser: Browser, made: Path) -> None:
    with Watched(browser, made, "dark", 400) as shown:
        shown.wait_for_selector(READY)
        assert shown.evaluate("document.documentElement.scrollWidth") <= 400
        wide = shown.evaluate(
            "[...document.querySelectorAll('.chart svg')].filter(svg =>"
            " svg.getBoundingClientRect().right > 400).length"
        )
        assert wide == 0


def test_the_fair_choice_is_told(connection: duckdb.DuckDBPyConnection) -> None:
    chosen = scope.choose(connection)
    assert [(panel.label, len(panel.run_ids)) for panel in chosen.panels] == [
        ("server", 24),
        ("client", 24),
    ]
    assert chosen.outside == (("are of another experiment", 11),)
    assert "the experiment that most groups share (3 of 4)" in scope.told(chosen, 59)


def test_a_condition_and_a_column_override_the_choice(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    chosen = scope.choose(connection, ["role"], "machine = 'kestrel'")
    assert [(panel.label, len(panel.run_ids)) for panel in chosen.panels] == [(None, 18)]
    everything = scope.choose(connection, ["experiment"])
    assert len(everything.run_ids) == 59
    assert not everything.outside


def test_a_base_that_no_panel_has_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(UsageError, match="heron"):
        report(connection, name="x", base="heron")
    with pytest.raises(UsageError, match="no run has"):
        report(connection, name="x", runs="machine = 'nobody'")


def test_more_groups_than_a_page_holds_are_refused(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tcpdw.report.report.MOST_GROUPS", 3)
    with pytest.raises(UsageError, match="4 groups by machine are too many"):
        report(connection, name="x", by=["machine"], runs="true")


def test_an_empty_warehouse_has_a_page(browser: Browser, tmp_path: Path) -> None:
    with Warehouse(tmp_path / "empty.duckdb"):
        pass
    with query.opened(tmp_path / "empty.duckdb") as connection:
        page.write(tmp_path / "empty.html", report(connection, name="empty.duckdb"))
    with Watched(browser, tmp_path / "empty.html") as shown:
        shown.wait_for_selector(READY)
        assert "holds no run" in shown.locator("main").inner_text()


NAMES = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(2)>",
    "\x1b[2J\x1b[31mred\u202e",
    "quote\"'`{{ 7 * 7 }}",
    "x" * 300,
    "x" * 300 + "y",
    "",
    "Ünïcödé",
)


@pytest.fixture(scope="module")
def odd(loaded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a warehouse of eight machines with names that no machine should have."""
    path = tmp_path_factory.mktemp("odd") / "odd.duckdb"
    path.write_bytes(loaded.read_bytes())
    with duckdb.connect(path) as connection:
        for number, name in enumerate(NAMES):
            connection.execute(
                "UPDATE runs SET machine = ?, name = ? || name, kernel = ?, warnings = [?] "
                "WHERE run_id % 8 = ?",
                [name, name, name, name, number],
            )
    return path


def test_hostile_names_are_text(odd: Path, tmp_path: Path, browser: Browser) -> None:
    path = tmp_path / "report.html"
    assert entry.run(["--warehouse", str(odd), "report", "-o", str(path)]) == 0
    assert path.stat().st_size < 3_000_000
    with Watched(browser, path, "light", 400) as shown:
        shown.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        shown.wait_for_selector(READY)
        assert shown.locator("main img, main i").count() == 0
        assert shown.evaluate("document.documentElement.scrollWidth") <= 400
        text = shown.locator("main").inner_text()
    assert NAMES[0] in text
    assert "\\x1b[2J\\x1b[31mred\\u202e" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "(empty)" in text
    assert re.search(r"\bx+\u2026x+\b", text)


def test_altair_takes_every_chart(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chart_scales, "unchecked", nullcontext)
    for kept in (charts._ecdf, charts._medians, stage_charts._bars):
        kept.cache_clear()
    report(connection, name="x", runs="role = 'server' AND machine IN ('kestrel', 'merlin')")


def test_the_stages_of_a_bar_sum_to_its_mean(shown: Page) -> None:
    rows = shown.evaluate(
        """[...document.querySelectorAll('#handshake-0-stages-p50 ~ details tbody tr')].map(row =>
            [...row.querySelectorAll('data')].map(data => +data.value))"""
    )
    assert len(rows) == 3
    for _, mean, *stages in rows:
        assert sum(stages) == pytest.approx(mean)


def test_groups_of_few_runs_are_said_to_be_few(connection: duckdb.DuckDBPyConnection) -> None:
    html = report(connection, name="x", runs="experiment = 'handshake' AND repetition <= 2")
    assert "too few runs to show a difference" in html
    assert "No difference from kestrel shown in any median: merlin and osprey." in html
