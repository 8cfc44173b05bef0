"""The timeline of a run: what it reads, and its page driven in Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest
import view_case
from browser import Watched
from click.testing import CliRunner
from playwright.sync_api import Browser, Page

from tcpdw import availability
from tcpdw.cli.entry import app
from tcpdw.errors import UsageError, WarehouseError
from tcpdw.report import timeline, timeline_page, timeline_read
from tcpdw.report.timeline_data import Timeline
from tcpdw.report.timeline_window import Point, Span, moments_of
from tcpdw.report.timeline_words import slice_words

SERVER = "osprey-server-handshake-001"
LIMIT = 3_000_000


def line_of(connection: duckdb.DuckDBPyConnection, name: str, **more: Any) -> Timeline:
    return timeline_read.read(connection, availability.run_named(connection, name), **more)


@pytest.fixture
def server(connection: duckdb.DuckDBPyConnection) -> Timeline:
    return line_of(connection, SERVER)


@pytest.fixture(scope="session")
def server_page(loaded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("timeline") / "run.html"
    with duckdb.connect(str(loaded), read_only=True) as connection:
        path.write_text(timeline.html(line_of(connection, SERVER)))
    return path


class Shown:
    """A page whose charts are drawn, and where things are on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.wait_for_selector("#timeline[data-drawn]", timeout=30_000)

    def view(self) -> tuple[int, int]:
        """Give what is in view once it is drawn, ns."""
        self.page.evaluate("() => new Promise((go) => requestAnimationFrame(() => setTimeout(go)))")
        found = self.page.evaluate(
            "async () => { const v = await tcpdw.chart('lanes'); await v.runAsync();"
            " return [v.signal('x0'), v.signal('x1')]; }"
        )
        return (found[0], found[1])

    def place(self, ts: float, y: float) -> tuple[float, float]:
        """Give where a time and a height of the lanes are on the screen."""
        self.page.locator("#stage").scroll_into_view_if_needed()
        x, height = self.page.evaluate(
            "async ([ts, y]) => { const v = await tcpdw.chart('lanes');"
            " const box = document.querySelector('#stage svg').getBoundingClientRect();"
            " return [box.left + v.padding().left + v.origin()[0] + v.scale('x')(ts),"
            " box.top + v.padding().top + v.origin()[1] + v.scale('y')(y)]; }",
            [ts, y],
        )
        return (x, height)

    def data(self, name: str) -> list[dict[str, Any]]:
        """Give a chart's data, as the page has them."""
        text = self.page.locator("script[data-chart=lanes]").text_content()
        table = json.loads(cast(str, text))["data"][name]
        return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]

    def hovered(self, ts: float, y: float) -> str:
        """Give what hovering shows there."""
        self.page.mouse.move(*self.place(ts, y))
        tip = self.page.locator("#vg-tooltip-element.visible")
        tip.wait_for(timeout=30_000)
        return tip.inner_text()


@pytest.fixture
def shown(browser: Browser, server_page: Path) -> Iterator[Shown]:
    with Watched(browser, server_page) as page:
        yield Shown(page)


def test_a_story_parts_where_it_pauses() -> None:
    points = [
        *(Point(ts, "connect", "setting up") for ts in (0, 50_000)),
        *(Point(ts, "connect", "shaking hands") for ts in (100_000, 101_000, 102_000)),
        *(Point(ts, "send", "sending") for ts in range(140_000, 142_000, 400)),
        Point(142_000, "end", "waiting"),
        Point(160_000, "end", "exit"),
    ]
    moments = moments_of(points, 100_000)
    assert [(m.name, m.steps) for m in moments] == [
        ("set-up", 2),
        ("handshake", 3),
        ("send", 6),
        ("exit", 1),
    ]
    for moment, (first, last) in zip(
        moments, [(0, 50_000), (100_000, 102_000), (140_000, 142_000), (160_000, 160_000)],
        strict=True,
    ):  # fmt: skip
        assert moment.span.first < first
        assert last < moment.span.last


def test_moments_of_microseconds_are_those_of_seconds() -> None:
    def names(scale: int) -> list[str]:
        times = [0, 10, 12, 60, 61, 62, 100]
        return [m.name for m in moments_of([Point(t * scale, "send", "s") for t in times], 0)]

    assert names(1_000) == names(1_000_000_000)


def test_no_steps_make_no_moments() -> None:
    assert moments_of([], 5) == []


def test_what_the_sample_shows(server: Timeline, connection: duckdb.DuckDBPyConnection) -> None:
    syn = connection.execute(
        "SELECT syn_ts FROM connections JOIN runs USING (run_id) WHERE name = ?", [SERVER]
    ).fetchone()
    assert syn is not None
    assert (server.origin, server.origin_name) == (syn[0], "SYN")
    assert [m.name for m in server.moments] == ["set-up", "handshake", "send", "close"]
    assert [thread.comm for thread in server.threads] == ["ncat"]
    assert server.cpus == [0, 1]
    assert server.notes == []
    assert [s.direction for s in server.segments] == ["rx", "queue", "rx", "queue", "rx", "rx"]
    # Nothing was merged: each slice is one of the view's.
    (count,) = connection.execute(
        "SELECT COUNT(*) FROM timeline_slices((SELECT run_id FROM runs WHERE name = ?), ?, ?) "
        "WHERE kind IN ('hardirq', 'softirq', 'on cpu') OR tid = ?",
        [SERVER, server.span.first, server.span.last, server.threads[0].tid],
    ).fetchall()[0]
    assert len(server.slices) == count
    assert {s.count for s in server.slices} == {1}


def test_the_facts_are_the_metrics(server: Timeline, connection: duckdb.DuckDBPyConnection) -> None:
    names = ("syn_to_synack", "synack_to_ack", "ack_to_wake", "wake_to_run")
    stages = connection.execute(
        f"SELECT {', '.join(names)} FROM syn_to_wake WHERE run_id = ?", [server.run.run_id]
    ).fetchall()[0]
    found = {fact.name: fact.value for fact in timeline_page.facts(server)}
    told = ("SYN to SYN-ACK", "SYN-ACK to ACK", "ACK to wake", "wake to cpu")
    assert tuple(found[name] for name in told) == stages


def test_merging_keeps_the_whole(connection: duckdb.DuckDBPyConnection) -> None:
    line = line_of(connection, "osprey-client-handshake-001")
    assert any(s.count > 1 for s in line.slices)
    assert "drawn as" in " ".join(line.notes)
    tids = [thread.tid for thread in line.threads]
    rows = connection.execute(
        "SELECT kind, COUNT(*), COALESCE(SUM(exit_ts - ts), 0), MIN(ts) "
        "FROM timeline_slices($run, $first, $last) "
        "WHERE kind IN ('hardirq', 'softirq', 'on cpu') OR list_contains($tids, tid) GROUP BY kind",
        {"run": line.run.run_id, "first": line.span.first, "last": line.span.last, "tids": tids},
    ).fetchall()
    for kind, count, busy, first in rows:
        own = [s for s in line.slices if s.kind == kind]
        assert sum(s.count for s in own) == count
        assert sum(s.busy for s in own) == busy
        assert min(s.ts for s in own) == first


def test_calls_without_an_end_stop_before_the_next(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    line = line_of(connection, "heron-server-fork-001")
    open_calls = 0
    for thread in line.threads:
        calls = [s for s in line.slices if s.kind == "syscall" and s.tid == thread.tid]
        assert all(a.end <= b.ts for a, b in pairwise(calls))
        open_calls += sum(not call.ends for call in calls)
    assert open_calls > 0
    gone = connection.execute(
        "SELECT MAX(end_ts) FROM threads WHERE run_id = ? AND tid = 245", [line.run.run_id]
    ).fetchall()[0][0]
    (leaving,) = [s for s in line.slices if s.name == "exit_group" and s.tid == 245]
    assert leaving.end == gone < line.span.last


def test_errors_have_their_names(server: Timeline) -> None:
    reads = [s for s in server.slices if s.name == "recvfrom"]
    assert [slice_words(item)[0] for item in reads] == ["recvfrom = -104 (ECONNRESET)"]


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("kestrel-server-load-001", 7),
        ("heron-server-fork-001", None),
        ("heron-client-ipv6-001", None),
        ("heron-server-nocontext-001", None),
    ],
)
def test_every_kind_of_run_is_drawn_in_a_small_page(
    browser: Browser,
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    name: str,
    number: int | None,
) -> None:
    path = tmp_path / "run.html"
    line = line_of(connection, name, number=number)
    path.write_text(timeline.html(line))
    assert path.stat().st_size < LIMIT
    assert line.segments
    assert line.slices
    with Watched(browser, path, scheme="dark", width=400) as page:
        drawn = Shown(page)
        assert len(drawn.data("segments")) == len(line.segments)
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        assert page.locator("#stage svg").count() == 1


@pytest.mark.parametrize(
    "name", ["kestrel-client-load-001", "merlin-server-lossy-001", "heron-server-epoll-001"]
)
def test_pages_of_busy_runs_are_small(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    assert len(timeline.html(line_of(connection, name)).encode()) < LIMIT


def test_hovering_shows_what_sql_says(
    shown: Shown, server: Timeline, connection: duckdb.DuckDBPyConnection
) -> None:
    ts, exit_ts = connection.execute(
        "SELECT ts, exit_ts FROM softirqs WHERE run_id = ? AND vec = 3 AND ts <= ? "
        "ORDER BY ts DESC LIMIT 1",
        [server.run.run_id, server.origin],
    ).fetchall()[0]
    box = next(row for row in shown.data("slices") if row["a"] == ts - server.origin)
    middle = (box["a"] + box["b"]) / 2
    text = shown.hovered(middle, (box["y0"] + box["y1"]) / 2)
    assert "softirq NET_RX (vec 3)" in text
    assert f"{exit_ts - ts:,} ns" in text
    assert f"{ts - server.origin:,} ns".replace("-", "−") in text.replace("-", "−")
    assert "cpu 0, in " in text


def test_buttons_keys_and_drags_change_what_is_in_view(shown: Shown, server: Timeline) -> None:
    page = shown.page
    by_name = {m.name: m.span for m in server.moments}
    handshake, close = by_name["handshake"], by_name["close"]
    first = (handshake.first - server.origin, handshake.last - server.origin)
    assert shown.view() == first
    page.get_by_role("button", name="close", exact=True).click()
    assert shown.view() == (close.first - server.origin, close.last - server.origin)
    page.get_by_role("button", name="All").click()
    assert shown.view() == (server.span.first - server.origin, server.span.last - server.origin)
    page.get_by_role("button", name="handshake", exact=True).click()
    page.focus("#stage")
    page.keyboard.press("+")
    narrow = shown.view()
    assert narrow[1] - narrow[0] == pytest.approx((first[1] - first[0]) / 2, abs=2)
    page.keyboard.press("ArrowRight")
    moved = shown.view()
    assert moved[0] - narrow[0] == pytest.approx((narrow[1] - narrow[0]) / 5, abs=2)
    page.keyboard.press("0")
    page.get_by_role("button", name="handshake", exact=True).click()
    shown.view()
    ends = [first[0] + (first[1] - first[0]) * part for part in (0.25, 0.75)]
    points = [shown.place(end, 100) for end in ends]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=4)
    assert "ms" in page.locator("#band").inner_text()
    page.mouse.up()
    view = shown.view()
    pixel = (first[1] - first[0]) / 800
    assert view == pytest.approx(ends, abs=pixel)


def test_steps_lead_to_their_times(
    shown: Shown, server: Timeline, connection: duckdb.DuckDBPyConnection
) -> None:
    page = shown.page
    steps = connection.execute(
        "SELECT number, step, ts FROM experiment_steps(?) ORDER BY number", [server.run.run_id]
    ).fetchall()
    rows = page.locator("tr[data-step]")
    assert rows.count() == len(steps)
    texts = page.eval_on_selector_all(
        "tr[data-step]", "rows => rows.map((r) => [r.cells[0].innerText, r.dataset.t])"
    )
    assert texts == [[str(number), str(ts - server.origin)] for number, _, ts in steps]
    accept = next(index for index, (_, step, _) in enumerate(steps) if step == "accept")
    rows.nth(accept).get_by_role("button").click()
    ts = steps[accept][2] - server.origin
    first, last = shown.view()
    assert first < ts < last
    assert last - first < 20_000_000
    assert f"{ts:,} ns" in page.locator("#now").inner_text()
    page.focus("#stage")
    page.keyboard.press("n")
    assert steps[accept + 1][1] in page.locator("#now").inner_text()
    assert page.locator("tr[aria-current]").get_attribute("data-step") == str(accept + 1)


def test_hostile_names_stay_text(browser: Browser, server: Timeline, tmp_path: Path) -> None:
    evil = '</script><img src=x onerror="alert(1)">\x1b[31m{{7*7}}'
    hostile = replace(
        server,
        run=replace(server.run, name=evil, machine=evil, driver=evil),
        threads=[replace(thread, comm=evil) for thread in server.threads],
        slices=[replace(item, name=evil) for item in server.slices],
        steps=[replace(step, step=evil, comm=evil, evidence=evil) for step in server.steps],
        segments=[replace(item, device=evil) for item in server.segments],
        wakes=[replace(item, comm=evil) for item in server.wakes],
        moments=[replace(moment, name=evil) for moment in server.moments],
        notes=[evil],
    )
    path = tmp_path / "evil.html"
    path.write_text(timeline.html(hostile))
    with Watched(browser, path) as page:
        drawn = Shown(page)
        assert page.locator("img").count() == 0
        assert page.locator("h1").inner_text().startswith("</script><img src=x")
        box = next(row for row in drawn.data("slices") if row["a"] <= 0 <= row["b"])
        text = drawn.hovered(0, (box["y0"] + box["y1"]) / 2)
        assert "<img src=x" in text
        assert "\x1b" not in page.content()


def test_lost_events_are_hatched(
    browser: Browser, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    line = line_of(connection, "merlin-server-lossy-001")
    assert line.losses
    assert "hatched" in " ".join(line.notes)
    path = tmp_path / "lossy.html"
    path.write_text(timeline.html(line))
    with Watched(browser, path) as page:
        drawn = Shown(page)
        page.get_by_role("button", name="All").click()
        drawn.view()
        first = drawn.data("losses")[0]
        lines = page.locator("#stage svg line[stroke]").count()
        assert lines > 20
        assert first["events"] > 0


def test_other_times_and_connections_as_asked(connection: duckdb.DuckDBPyConnection) -> None:
    run = availability.run_named(connection, "kestrel-server-load-001")
    line = timeline.read(connection, run, 7)
    assert line.connection is not None
    assert line.connection.number == 7
    start = timeline_read.start_of(connection, run)
    asked = timeline.read(connection, run, 7, "+2s", "10ms")
    assert asked.span == Span(start + 1_990_000_000, start + 2_010_000_000)
    assert timeline.key_view(asked) == asked.span
    assert asked.at == start + 2_000_000_000
    with pytest.raises(UsageError, match="without --at"):
        timeline.read(connection, run, around="10ms")
    start_ts, number = connection.execute(
        "SELECT start_ts, connection_id FROM connections WHERE run_id = ? AND connection_id = 100",
        [run.run_id],
    ).fetchall()[0]
    there = timeline.read(connection, run, None, str(start_ts), "1ms")
    assert there.connection is not None
    assert there.connection.number == number
    # Without a length the story is there, and the time in view and marked.
    whole = timeline.read(connection, run, None, str(start_ts))
    assert whole.connection == there.connection
    assert whole.span.length > there.span.length
    assert timeline.key_view(whole).holds(start_ts)
    assert whole.steps
    # A time outside of every story is shown with what was then.
    early = timeline.read(connection, run, 7, "-5s")
    assert early.span == Span(start - 5_050_000_000, start - 4_950_000_000)
    with pytest.raises(UsageError, match="no connection 1000"):
        timeline.read(connection, run, 1000)


def test_the_command_writes_pages_and_pictures(
    loaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    start = ["--warehouse", str(loaded), "timeline", SERVER]
    for more, name in (
        ([], f"{SERVER}.html"),
        (["-o", "a.svg"], "a.svg"),
        (["-o", "a.png"], "a.png"),
    ):
        result = CliRunner().invoke(app, [*start, *more])
        assert result.exit_code == 0, result.output
        assert name in result.output
    svg = (tmp_path / "a.svg").read_text()
    assert "SYN-ACK seq 0 ack 1" in svg
    assert "pselect6" in svg
    assert "var(--" not in svg
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    result = CliRunner().invoke(app, [*start, "-o", "a.pdf"])
    assert isinstance(result.exception, UsageError)


ODD_RUNS = """
run 1
  packet 1000 1.1.1.2:40>1.1.1.1:50 S seq=7 ack_seq=0 payload_len=0
  packet 2000 1.1.1.1:50>1.1.1.2:40 SA seq=90 ack_seq=8 payload_len=0
  packet 3000 1.1.1.2:40>1.1.1.1:50 A seq=8 ack_seq=91 payload_len=0
run 2
  100 cpu0 tid0 irq_handler_entry irq=24 name=eth0
  104 cpu0 tid0 irq_handler_exit irq=24 ret=1
  110 cpu0 tid0 sched_switch swapper:0:0>nc:7
  150 cpu0 tid7 sched_switch nc:7:1>swapper:0
run 3
  5 cpu0 tid7 some_event x=1
run 4
  200 cpu? tid? net_if_receive_skb 1.1.1.2:40>1.1.1.1:50 A seq=1 ack_seq=0 payload_len=9 skbaddr=1
run 5
  10 cpu0 tid7 syscall_entry_socket family=2 type=1 protocol=6
  11 cpu0 tid7 syscall_exit_socket ret=3
  12 cpu0 tid7 syscall_entry_listen fd=3 backlog=10
  13 cpu0 tid7 syscall_exit_listen ret=0
  20 cpu1 tid8 syscall_entry_socket family=2 type=1 protocol=6
  21 cpu1 tid8 syscall_exit_socket ret=3
  22 cpu1 tid8 syscall_entry_connect fd=3 family=2 dport=50 addr=127.0.0.1
  25 cpu1 tid8 net_dev_queue 127.0.0.1:40>127.0.0.1:50 S seq=1 ack_seq=0 payload_len=0 name=lo skbaddr=1
  26 cpu1 tid8 net_if_receive_skb 127.0.0.1:40>127.0.0.1:50 S seq=1 ack_seq=0 payload_len=0 name=lo skbaddr=1
  27 cpu1 tid8 net_dev_queue 127.0.0.1:50>127.0.0.1:40 SA seq=5 ack_seq=2 payload_len=0 name=lo skbaddr=2
  28 cpu1 tid8 net_if_receive_skb 127.0.0.1:50>127.0.0.1:40 SA seq=5 ack_seq=2 payload_len=0 name=lo skbaddr=2
  29 cpu1 tid8 net_dev_queue 127.0.0.1:40>127.0.0.1:50 A seq=2 ack_seq=6 payload_len=0 name=lo skbaddr=3
  30 cpu1 tid8 net_if_receive_skb 127.0.0.1:40>127.0.0.1:50 A seq=2 ack_seq=6 payload_len=0 name=lo skbaddr=3
  31 cpu1 tid8 syscall_exit_connect ret=0
  32 cpu0 tid7 syscall_entry_accept fd=3
  33 cpu0 tid7 syscall_exit_accept ret=4 family=2 addr=127.0.0.1 sport=40
"""  # noqa: E501


def test_runs_that_lack_things_are_drawn_and_say_so(browser: Browser, tmp_path: Path) -> None:
    case = tmp_path / "odd.txt"
    case.write_text(ODD_RUNS)
    (tmp_path / "w").mkdir()
    connection, _ = view_case.load([view_case.read(case)], tmp_path / "w")
    said = {
        1: "no kernel trace",
        2: "no TCP connection",
        3: "lacks irq_handler_entry",
        4: "no capture",
        5: "no capture",
    }
    for number, words in said.items():
        line = line_of(connection, f"odd-{number}")
        assert words in " ".join(line.notes), line.notes
        path = tmp_path / f"{number}.html"
        path.write_text(timeline.html(line))
        # The others lack what the sample runs have too.
        if number <= 2:
            with Watched(browser, path) as page:
                Shown(page)
                page.get_by_role("button", name="All", exact=True).click()
                assert page.locator("#stage svg").count() == 1
        spec = timeline.picture(line)
        assert spec["height"] > 0
        if number == 1:
            assert [s.direction for s in line.segments] == ["capture"] * 3
            assert line.origin == 1000
        if number == 5:
            assert {step.role for step in line.steps} == {"client", "server"}
    connection.execute("DROP MACRO TABLE timeline_slices")
    with pytest.raises(WarehouseError, match="made before"):
        line_of(connection, "odd-5")
    connection.close()
