"""One metric's distribution as SVG, PNG, a page, and text on a terminal."""

from __future__ import annotations

import math
import re
from pathlib import Path

import duckdb
import pytest
from browser import Watched
from playwright.sync_api import Browser

from tcpdw import query, summary
from tcpdw.cli import entry
from tcpdw.errors import UsageError
from tcpdw.output import width
from tcpdw.report import plot, plot_text


def text(
    connection: duckdb.DuckDBPyConnection, found: plot.Plot, *, columns: int = 100, rows: int = 40
) -> list[str]:
    return list(
        plot_text.lines(
            connection, found, columns=columns, rows=rows, paint=lambda text, _: text, blocks=True
        )
    )


def test_the_table_on_the_terminal_is_the_sqls(connection: duckdb.DuckDBPyConnection) -> None:
    found = plot.gather(connection, "syn_to_wake")
    runs = query.run_ids(connection, "experiment = 'handshake'")
    groups = summary.summarize(connection, summary.metric_named("syn_to_wake"), ["machine"], runs)
    rows = [line.split() for line in text(connection, found)[-3:]]
    assert rows == [
        [
            str(group.by[0]),
            str(group.runs),
            str(group.intervals),
            *(
                part
                for duration in group.durations
                for part in (summary.digits(int(str(duration)), 10**6), "ms")
            ),
        ]
        for group in groups
    ]


@pytest.mark.parametrize(("columns", "rows"), [(60, 16), (80, 24), (200, 60)])
def test_the_picture_fits_the_terminal(
    connection: duckdb.DuckDBPyConnection, columns: int, rows: int
) -> None:
    found = plot.gather(connection, "wake_to_run", runs="role = 'server'")
    lines = text(connection, found, columns=columns, rows=rows)
    table = next(n for n, line in enumerate(lines) if not line)
    assert max(width(line) for line in lines[:table]) <= columns
    assert len(lines) <= max(rows, 3 * len(found.groups) + 8)


def test_every_interval_is_in_the_histogram(connection: duckdb.DuckDBPyConnection) -> None:
    found = plot.gather(connection, "queue_to_capture")
    counts = plot_text._histogram(connection, found, 50)
    assert [sum(bars) for bars in counts] == [group.intervals for group in found.groups]


def test_marks_stand_under_their_place(connection: duckdb.DuckDBPyConnection) -> None:
    found = plot.gather(connection, "wake_to_run", runs="run_id = 1")
    lines = text(connection, found)
    [marks] = [line for line in lines if "^p50" in line]
    ruler = next(line for line in lines if "┬" in line)
    ticks = [n for n, sign in enumerate(ruler) if sign == "┬"]
    # Between two ticks the place goes with the logarithm.
    first, last = found.axis.ticks[0], found.axis.ticks[-1]
    p50 = found.groups[0].quantiles[0].value
    assert p50 is not None
    share = math.log(p50 / first) / math.log(last / first)
    expected = ticks[0] + share * (ticks[-1] - ticks[0])
    assert abs(marks.index("^p50") - expected) <= 1.5


def test_without_blocks_it_is_ascii(connection: duckdb.DuckDBPyConnection) -> None:
    found = plot.gather(connection, "wake_to_run", runs="role = 'server'")
    lines = plot_text.lines(
        connection, found, columns=80, rows=24, paint=lambda text, _: text, blocks=False
    )
    assert all(line.isascii() for line in lines)


def test_roles_are_kept_apart_where_both_have_intervals(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    both = plot.gather(connection, "wake_to_run")
    assert both.by == ("machine", "role")
    assert [one.name for one in both.known][:2] == ["kestrel, client", "kestrel, server"]
    assert plot.gather(connection, "syn_to_wake").by == ("machine",)


def test_pictures(loaded: Path, tmp_path: Path, browser: Browser) -> None:
    names = ["x.svg", "x.PNG", "x.html"]
    for name in names:
        arguments = ["--warehouse", str(loaded), "plot", "hardirq_to_softirq", "-o"]
        assert entry.run([*arguments, str(tmp_path / name)]) == 0
    svg = (tmp_path / "x.svg").read_text()
    assert svg.startswith("<svg")
    assert "var(" not in svg
    texts = re.findall(r"<text[^>]*>([^<]+)</text>", svg)
    assert {"kestrel, client", "100%", "100 μs"} <= set(texts)
    assert (tmp_path / "x.PNG").read_bytes().startswith(b"\x89PNG")
    with Watched(browser, tmp_path / "x.html", "dark", 400) as shown:
        shown.wait_for_selector("html.ready")
        assert shown.locator(".chart svg").count() == 2
        assert shown.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize(("name", "what"), [("x.gif", "ends in .gif"), ("x", "no ending")])
def test_another_ending_is_refused(
    loaded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, what: str
) -> None:
    path = tmp_path / name
    assert entry.run(["--warehouse", str(loaded), "plot", "handshake", "-o", str(path)]) == 2
    assert what in capsys.readouterr().err
    assert not path.exists()


def test_no_interval_is_an_error_that_says_so(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(UsageError, match="no certain interval of syn_to_wake"):
        plot.gather(connection, "syn_to_wake", runs="role = 'client'")
    with pytest.raises(UsageError, match="no run has"):
        plot.gather(connection, "syn_to_wake", runs="machine = 'nobody'")


def test_a_pipe_gets_no_colour(loaded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.run(["--warehouse", str(loaded), "plot", "syn_to_wake"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "^p50" in out
