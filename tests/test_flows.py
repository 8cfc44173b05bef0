from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import PrefectServer, prefect_environment
from ctf_files import Event, metadata, packet, write

from flows import ingest_report
from tcpdw.pipeline import IngestSummary
from tcpdw.warehouse import LoadedRun

DATA = Path(__file__).parent.parent / "data"
# Counted with `babeltrace2 TRACE | wc -l`, and with capinfos.
GOOD = {"merlin-server-handshake-003": (14138, 6), "merlin-client-handshake-003": (11341, 6)}
HOSTILE = "bad|<img src=x onerror=alert(1)>[a](b)\x1b[31m_**`"
TEXT = metadata({0: ("a", "uint8_t x;")})

needs_bt2 = pytest.mark.skipif(find_spec("bt2") is None, reason="bt2 is not installed")
needs_tshark = pytest.mark.skipif(
    not Path("/usr/bin/tshark").exists(), reason="tshark is not installed"
)


def ingest(
    env: Mapping[str, str], temporary: Path, *arguments: str | Path, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    return python(env, temporary, "-m", "flows.ingest", *arguments, timeout=timeout)


def python(
    env: Mapping[str, str], temporary: Path, *arguments: str | Path, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    temporary.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, *arguments],
        env={**env, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def rows(warehouse: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(query).fetchall()


def traces(folder: Path, *names: str) -> Path:
    """Write a run for each name: a trace with as many events as its place in the list says."""
    for number, name in enumerate(names, 1):
        events = [Event(0, time, bytes([number])) for time in range(1, number + 1)]
        write(folder / name, TEXT, {"s": [packet(events)]})
    return folder


def flow_runs(server: PrefectServer, name: str = "ingest") -> list[dict[str, Any]]:
    return server.post("flow_runs/filter", sort="START_TIME_DESC", flows={"name": {"any_": [name]}})


def attempts(server: PrefectServer, expected: int) -> dict[str, tuple[int, str]]:
    """Give the latest flow run's readings, by name: how often each was tried, how it ended.

    The server writes down task runs a little after they end.
    """
    run_id = flow_runs(server)[0]["id"]
    deadline = time.monotonic() + 120
    while True:
        found = server.post("task_runs/filter", flow_runs={"id": {"any_": [run_id]}})
        ended = {
            run["name"].removeprefix("read "): (run["run_count"], run["state_type"])
            for run in found
            if run["name"].startswith("read ") and run["state_type"] in ("COMPLETED", "FAILED")
        }
        if len(ended) == expected or time.monotonic() > deadline:
            return ended
        time.sleep(0.2)


@needs_bt2
@needs_tshark
def test_good_runs_load_beside_bad_ones_and_again_changes_nothing(
    prefect_server: PrefectServer, tmp_path: Path
) -> None:
    inbox, warehouse, temporary = tmp_path / "in", tmp_path / "w.duckdb", tmp_path / "temporary"
    inbox.mkdir()
    for name in GOOD:
        (inbox / f"{name}.tar.xz").symlink_to(DATA / f"{name}.tar.xz")
    paths = [inbox / f"{name}.tar.xz" for name in GOOD]
    whole = paths[0].read_bytes()
    (inbox / f"{HOSTILE}.tar.xz").write_bytes(whole[: len(whole) // 2])
    (inbox / "noise.tar.xz").write_bytes(b"no archive")

    first = ingest(prefect_server.env, temporary, inbox, *paths, "--warehouse", warehouse)

    assert first.returncode == 1, first.stderr
    runs = rows(warehouse, "SELECT name, status, events, packets, warnings FROM runs ORDER BY ALL")
    good = {name: (events, packets) for name, status, events, packets, _ in runs if status == "ok"}
    assert good == GOOD
    bad = {name: why for name, status, _, _, why in runs if status == "failed"}
    assert len(runs) == 4
    assert len(bad) == 2
    assert "no xz archive" in bad["noise.tar.xz"][0]
    assert rows(warehouse, "SELECT COUNT(*) FROM events") == [(14138 + 11341,)]
    assert rows(warehouse, "SELECT COUNT(*) > 0 FROM latency") == [(True,)]
    state = flow_runs(prefect_server)[0]["state"]
    assert state["type"] == "FAILED"
    assert state["message"].startswith("2 of 4 runs failed: ")
    assert "no xz archive" in state["message"]
    # What is broken stays so: its reading was tried once, and is no failure of the task's.
    readings = attempts(prefect_server, 3)
    assert set(readings.values()) == {(1, "COMPLETED")}
    assert len(readings) == 3
    text = artifact(prefect_server)
    assert (text["key"], text["type"]) == ("ingest", "markdown")
    assert "| Runs loaded | 2 |" in text["data"]
    assert "| Runs failed | 2 |" in text["data"]
    assert "| Events | 25,479 |" in text["data"]
    assert "| Packets | 12 |" in text["data"]
    assert "no xz archive" in text["data"]
    assert "bad\\|&lt;img src\\=x onerror\\=alert\\(1\\)&gt;\\[a\\]\\(b\\)" in text["data"]
    assert "<img" not in text["data"]
    assert "\x1b" not in first.stdout + first.stderr + text["data"] + state["message"]
    assert list(temporary.iterdir()) == []

    before = contents(warehouse)
    second = ingest(
        prefect_server.env, temporary, inbox, *paths, "--warehouse", warehouse, "--tolerate"
    )

    assert second.returncode == 0, second.stderr
    assert contents(warehouse) == before
    assert flow_runs(prefect_server)[0]["state"]["type"] == "COMPLETED"
    text = artifact(prefect_server)
    assert "| Runs loaded | 0 |" in text["data"]
    assert "| Skipped: in the warehouse already | 2 |" in text["data"]


def artifact(server: PrefectServer) -> Any:
    """Return what the last ingest left: other flows of these tests leave artifacts too."""
    [found] = server.post("artifacts/latest/filter", artifacts={"key": {"any_": ["ingest"]}})
    return found


def contents(warehouse: Path) -> list[tuple[Any, ...]]:
    return [
        row
        for query in (
            "SELECT * EXCLUDE run_id FROM runs ORDER BY ALL",
            "SELECT run_id, name FROM runs WHERE status = 'ok' ORDER BY ALL",
            "SELECT run_id, COUNT(*), SUM(ts) FROM events GROUP BY ALL ORDER BY ALL",
            "SELECT metric, COUNT(*), SUM(dur) FROM latency GROUP BY ALL ORDER BY ALL",
        )
        for row in rows(warehouse, query)
    ]


# The reader's process itself dies here, of a signal, in the middle of a job.
DYING_READER = """
import os, signal, sys
from pathlib import Path
from tcpdw.readers import worker
read = worker._do
def die(job):
    mark = Path(sys.argv[1]) / Path(job["path"]).name
    if mark.name == "always" or (mark.name == "once" and not mark.exists()):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return read(job)
worker._do = die
worker.serve()
"""

TROUBLED = """
import errno, json, os, sys
import flows.ingest as flow
from tcpdw import pipeline
from tcpdw.readers import worker
inbox, warehouse, reader, marks = sys.argv[1:]
worker._COMMAND = (sys.executable, "-c", reader, marks)
flow.read.retry_delay_seconds = 0
read_source = pipeline.read_source
def troubled(source, *arguments, **options):
    if source.name == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/spool")
    if source.name == "bug":
        raise KeyError("x")
    return read_source(source, *arguments, **options)
pipeline.read_source = troubled
trouble = {"readers": ["bt2"], "fail_on_bad_run": False}
print(json.dumps(flow.ingest([inbox], warehouse, workers=2, **trouble)))
"""


@needs_bt2
def test_readings_that_another_try_may_mend_are_tried_again(
    prefect_server: PrefectServer, tmp_path: Path
) -> None:
    inbox = traces(tmp_path / "in", "always", "bug", "full", "good", "once")
    warehouse, temporary, marks = tmp_path / "w.duckdb", tmp_path / "temporary", tmp_path / "marks"
    marks.mkdir()

    done = python(
        prefect_server.env, temporary, "-c", TROUBLED, inbox, warehouse, DYING_READER, marks
    )

    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    found = rows(warehouse, "SELECT name, status, events FROM runs ORDER BY name")
    assert found == [
        ("always", "failed", 0),
        ("bug", "failed", 0),
        ("full", "failed", 0),
        ("good", "ok", 4),
        ("once", "ok", 5),
    ]
    reasons = {failure["name"]: failure["reason"] for failure in summary["failures"]}
    assert "the reader process died (signal 9, SIGKILL)" in reasons["always"]
    assert "No space left on device" in reasons["full"]
    assert "KeyError: 'x'; please report this" in reasons["bug"]
    counts = {key: summary[key] for key in ("loaded", "failed", "skipped", "events", "packets")}
    assert counts == {"loaded": 2, "failed": 3, "skipped": 0, "events": 9, "packets": 0}
    assert attempts(prefect_server, 5) == {
        # The last try gives a failed run, and so is the task's success.
        "always": (3, "COMPLETED"),
        "full": (3, "FAILED"),
        "bug": (1, "FAILED"),
        "good": (1, "COMPLETED"),
        "once": (2, "COMPLETED"),
    }
    assert list(temporary.iterdir()) == []


CROWDED = """
import json, os, sys
from pathlib import Path
import flows.ingest as flow
from tcpdw import pipeline
inbox, warehouse = sys.argv[1:]
pipeline.BATCH_RUNS = 1
seen = []
class Watched(pipeline.Warehouse):
    def load(self, batch):
        spooled = len(list(Path(os.environ["TMPDIR"]).glob("tcpdw-*/[0-9]*")))
        maps = Path("/proc/self/maps").read_text().splitlines()
        kept = sum("(deleted)" in line and os.environ["TMPDIR"] in line for line in maps)
        seen.append((spooled, kept, {type(run).__name__ for run in batch} == {"RunData"}))
        return super().load(batch)
pipeline.Warehouse = Watched
flow.ingest([inbox], warehouse, workers=1, readers=["bt2"])
print(json.dumps(seen))
"""


@needs_bt2
def test_few_runs_lie_about_and_loaded_ones_are_let_go(
    prefect_server: PrefectServer, tmp_path: Path
) -> None:
    names = [f"run-{number}" for number in range(5)]
    inbox, warehouse = traces(tmp_path / "in", *names), tmp_path / "w.duckdb"

    done = python(prefect_server.env, tmp_path / "temporary", "-c", CROWDED, inbox, warehouse)

    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert len(seen) == 5
    # The one that is loaded, and the one that is read ahead of it.
    assert 1 <= max(spooled for spooled, _, _ in seen) <= 2
    # A file that is still mapped takes its room after it was removed.
    assert [kept for _, kept, _ in seen] == [0] * 5
    assert rows(warehouse, "SELECT SUM(events) FROM runs") == [(15,)]


@needs_bt2
def test_a_warehouse_that_is_locked_fails_the_flow_in_one_line(
    prefect_server: PrefectServer, tmp_path: Path
) -> None:
    inbox, warehouse = traces(tmp_path / "in", "run"), tmp_path / "w.duckdb"
    with duckdb.connect(str(warehouse)):
        words = (inbox, "--warehouse", warehouse, "--wait", "0.3")
        done = ingest(prefect_server.env, tmp_path / "temporary", *words)
    assert done.returncode == 1
    assert "waiting up to 0 s: " in done.stdout + done.stderr
    told = f"another process (PID {os.getpid()}) has it open"
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    state = flow_runs(prefect_server)[0]["state"]
    assert state["type"] == "FAILED"
    assert told in state["message"]


@needs_bt2
def test_it_works_with_no_server(tmp_path: Path) -> None:
    inbox, warehouse = traces(tmp_path / "in", "one", "two"), tmp_path / "w.duckdb"
    env = prefect_environment(tmp_path / "home")

    done = ingest(env, tmp_path / "temporary", inbox, "--warehouse", warehouse)

    assert done.returncode == 0, done.stderr
    assert rows(warehouse, "SELECT name, status, events FROM runs ORDER BY name") == [
        ("one", "ok", 1),
        ("two", "ok", 2),
    ]


@needs_bt2
def test_a_served_flow_runs_when_its_deployment_is_called(
    prefect_server: PrefectServer, tmp_path: Path
) -> None:
    traces(tmp_path / "in", "one", "two")
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "flows.ingest",
                "in",
                "--warehouse",
                "w.duckdb",
                "--machine",
                "box",
                "--serve",
                "0 0 1 1 *",
            ],
            cwd=tmp_path,
            env=prefect_server.env,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            deployment = until(lambda: deployments(prefect_server), process, log)[0]
            run = prefect_server.post(f"deployments/{deployment['id']}/create_flow_run")
            state = until(
                lambda: ended(prefect_server.get(f"flow_runs/{run['id']}")["state"]), process, log
            )
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    assert state["type"] == "COMPLETED", log.read_text()
    assert [schedule["schedule"]["cron"] for schedule in deployment["schedules"]] == ["0 0 1 1 *"]
    assert rows(tmp_path / "w.duckdb", "SELECT name, machine FROM runs ORDER BY name") == [
        ("one", "box"),
        ("two", "box"),
    ]


def deployments(server: PrefectServer) -> list[dict[str, Any]]:
    return server.post("deployments/filter", deployments={"name": {"any_": ["ingest"]}})


def ended(state: dict[str, Any]) -> dict[str, Any] | None:
    return state if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None


def until(ask: Any, process: subprocess.Popen[bytes], log: Path) -> Any:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.2)
    pytest.fail(f"nothing came; the process said:\n{log.read_text()[-3000:]}")


WRONG_USAGE = """
import json, sys
from flows.ingest import main
for arguments in json.loads(sys.argv[1]):
    print(main(arguments))
"""


def test_wrong_usage_is_one_line(tmp_path: Path) -> None:
    cases = [
        (["in"], "no warehouse was given; add --warehouse FILE"),
        (["in", "--warehouse", "w", "--workers", "0"], "--workers takes a number from 1 on"),
        (["i\udcffn", "--warehouse", "w"], "give the folder that holds it"),
        (["in", "--warehouse", "w", "--serve", "* * * * *"], "needs a Prefect server"),
    ]
    env = prefect_environment(tmp_path / "home")
    wrong = json.dumps([arguments for arguments, _ in cases])
    done = python(env, tmp_path / "temporary", "-c", WRONG_USAGE, wrong)
    assert done.stdout.split() == ["2"] * len(cases)
    lines = done.stderr.splitlines()
    assert len(lines) == len(cases)
    for line, (_, says) in zip(lines, cases, strict=True):
        assert says in line


@pytest.mark.parametrize("more", [["--serve", "at noon"], []])
def test_a_bad_schedule_and_a_dead_server_are_one_line(more: list[str], tmp_path: Path) -> None:
    env = {
        **prefect_environment(tmp_path / "home"),
        "PREFECT_API_URL": "http://127.0.0.1:9/api",
    }
    done = ingest(env, tmp_path / "temporary", tmp_path, "--warehouse", tmp_path / "w", *more)
    says = "is no cron expression" if more else "Failed to reach API at http://127.0.0.1:9"
    assert done.returncode == (2 if more else 1)
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "w").exists()


def test_settings_of_the_user_stay(tmp_path: Path) -> None:
    code = "import json, os, flows; print(json.dumps(dict(os.environ)))"
    env = {**prefect_environment(tmp_path / "home"), "DO_NOT_TRACK": "0"}
    del env["PREFECT_HOME"]
    done = python(env, tmp_path / "temporary", "-c", code)
    found = json.loads(done.stdout)
    assert found["DO_NOT_TRACK"] == "0"
    assert found["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert found["PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"] == "120"


def loaded(name: str, *warnings: str, status: str = "ok") -> LoadedRun:
    return LoadedRun(1, name, status, 10, 2, warnings)


def test_the_report_escapes_and_names_what_is_wrong() -> None:
    failed = loaded("a|b\nc", "in <b>x</b>: `bad` https://e.org & on", status="failed")
    good = (loaded("good"), loaded("hurt", "cut *short*"))
    text = ingest_report.markdown(IngestSummary(good, (failed,), 3, 2.0), "w_1.duckdb")
    assert text == (
        "# Ingest into w\\_1\\.duckdb\n"
        "\n"
        "| | |\n"
        "|:--|--:|\n"
        "| Runs loaded | 2 |\n"
        "| Runs failed | 1 |\n"
        "| Skipped: in the warehouse already | 3 |\n"
        "| Events | 20 |\n"
        "| Packets | 4 |\n"
        "| Seconds | 2.0 |\n"
        "| Events per second | 10 |\n"
        "\n"
        "## Failed\n"
        "\n"
        "| Run | Reason |\n"
        "|:--|:--|\n"
        "| a\\|b\\\\nc | in &lt;b&gt;x&lt;\\/b&gt;\\: \\`bad\\` https\\:\\/\\/e\\.org &amp; on |\n"
        "\n"
        "## Loaded with warnings\n"
        "\n"
        "| Run | First warning |\n"
        "|:--|:--|\n"
        "| hurt | cut \\*short\\* |\n"
    )


def test_the_report_stays_short() -> None:
    failed = tuple(loaded("n" * 1000, "r" * 10_000, status="failed") for _ in range(150))
    text = ingest_report.markdown(IngestSummary((), failed, 0, 0.0), "w")
    assert "And 50 more: the table `runs` has them." in text
    assert text.count("\n| n") == 100
    assert "r" * 299 + "…" in text
    assert "r" * 300 not in text
    assert os.linesep.join(text.splitlines()) + "\n" == text
