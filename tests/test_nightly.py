"""`tcpdw serve`: turns by hand, on a schedule, and by a worker, as docs/schedule.md shows them."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import PrefectServer, prefect_environment
from loaded_rows import empty_warehouse, rows, trace

from flows.limits import limit_name
from tcpdw.warehouse import Warehouse

ROOT = Path(__file__).parents[1]
DATA = ROOT / "data"
PROGRAM = [sys.executable, "-c", "from tcpdw.cli import main; main()"]
HOSTILE = "evil<img src=x onerror=alert(1)>|'; DROP TABLE runs--"
DAY = 86_400 * 10**9
SECONDS = 300


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    shutil.move(empty_warehouse(tmp_path), tmp_path / "tcpdw.duckdb")
    return tmp_path


def environment(base: Mapping[str, str], **more: str) -> dict[str, str]:
    """Give an environment in which the programs of the virtual environment are found."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{base['PATH']}"
    return {**base, "PATH": path, "PYTHONPATH": str(ROOT), **more}


def serve(env: Mapping[str, str], here: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, "serve", "--inbox", "inbox", "--warehouse", "tcpdw.duckdb", *options]
    return subprocess.run(
        command, cwd=here, env=environment(env), capture_output=True, text=True, timeout=SECONDS,
        check=False,
    )  # fmt: skip


def latest(server: PrefectServer, count: int = 1) -> list[dict[str, Any]]:
    """Give the latest flow runs of `nightly` that ended."""
    found = server.post(
        "flow_runs/filter",
        sort="START_TIME_DESC",
        flows={"name": {"any_": ["nightly"]}},
        flow_runs={"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}}},
    )
    return found[:count]


def artifact(server: PrefectServer) -> str:
    key = {"key": {"any_": ["nightly"]}}
    [found] = server.post("artifacts/latest/filter", artifacts=key)
    return found["data"]


def dated(loaded: Path, target: Path) -> None:
    """Copy the sample runs, kestrel's odd repetitions ten days old, its even ones three."""
    shutil.copy(loaded, target)
    with duckdb.connect(str(target)) as connection:
        connection.execute(
            "UPDATE runs SET started_at = ? - IF(repetition % 2 = 1, 10, 3) * ? "
            "WHERE machine = 'kestrel'",
            [time.time_ns(), DAY],
        )
        connection.execute("UPDATE runs SET started_at = 1 WHERE machine <> 'kestrel'")


def test_a_turn_takes_in_compares_reports_and_gates(
    prefect_server: PrefectServer, loaded: Path, here: Path
) -> None:
    dated(loaded, here / "tcpdw.duckdb")
    trace(here / "inbox" / "fresh", 3, {"machine": HOSTILE, "started_at_ns": time.time_ns() - DAY})
    (here / "inbox" / "bad.tar.xz").write_bytes(b"no archive")
    (here / "inbox" / "slow.tar.part").write_bytes(b"")

    gates = ("hardirq_to_softirq:p50:-99%", "hardirq_to_softirq:p50:5000%")
    _, once = documented()["Runs that come in by themselves"]
    line = quick(once) + "".join(f" --gate {gate}" for gate in gates)
    said = run_line(terminal(prefect_server, here), here, line, status=1)

    [state] = [run["state"] for run in latest(prefect_server)]
    assert state["type"] == "FAILED"
    for words in (
        "1 of 2 could not be taken in: bad.tar.xz: ",
        "no xz archive",
        "regression: kestrel ",
        "handshake: hardirq_to_softirq p50 -99%: the interval of the difference",
    ):
        assert words in state["message"]
    assert f"tcpdw: Failed: {state['message'][:40]}" in said
    assert "still being copied in: slow.tar.part" in said
    assert (here / "inbox" / "done" / "fresh" / "run.json").is_file()
    assert "no xz archive" in (here / "inbox" / "failed" / "bad.tar.xz.reason.txt").read_text()
    assert rows(here / "tcpdw.duckdb", "SELECT machine FROM runs WHERE name = 'fresh'") == [
        (HOSTILE,)
    ]
    text = artifact(prefect_server)
    for words in (
        "| Runs loaded | 1 |",
        "| Runs failed | 1 |",
        "| Still being copied in | 1 |",
        "### Moved to failed/",
        "| kestrel server handshake | hardirq\\_to\\_softirq p50 -99\\% | FAILED |",
        "| kestrel server handshake | hardirq\\_to\\_softirq p50 5000\\% | passed |",
        "1 runs\\: no run in the 7 days before",
        "metrics compared",
    ):
        assert words in text
    assert "<img" not in text
    [report] = (here / "reports").iterdir()
    assert re.fullmatch(r"report-\d{4}-\d\d-\d\dT\d{4}Z\.html", report.name)
    assert report.name.replace(".", "\\.") in text
    page = report.read_text()
    assert "kestrel" in page
    assert "<img src=x" not in page


def test_two_turns_at_once_load_one_after_the_other(
    prefect_server: PrefectServer, here: Path
) -> None:
    warehouse = here / "tcpdw.duckdb"
    name = limit_name(warehouse)
    limits = "v2/concurrency_limits"
    prefect_server.post(f"{limits}/", name=name, limit=1)
    held = prefect_server.post(f"{limits}/increment-with-lease", names=[name], slots=1)
    turns: list[subprocess.Popen[str]] = []
    logs = [here / "log0", here / "log1"]
    with contextlib.ExitStack() as stack:
        for number, log in enumerate(logs):
            inbox = here / f"inbox{number}"
            trace(inbox / f"run{number}", number + 1)
            command = [*PROGRAM, "serve", "--once", "--inbox", inbox, "--warehouse", warehouse]
            output = stack.enter_context(log.open("w"))
            turn = subprocess.Popen(
                [*command, "--settle", "0.5"], env=environment(prefect_server.env), text=True,
                stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
            stack.callback(ended, turn)
            turns.append(turn)
        for turn, log in zip(turns, logs, strict=True):
            until(lambda log=log: "waiting for the flow that loads" in log.read_text(), turn, log)
        assert rows(warehouse, "SELECT COUNT(*) FROM runs") == [(0,)]
        prefect_server.post(f"{limits}/decrement-with-lease", lease_id=held["lease_id"])
        for turn, log in zip(turns, logs, strict=True):
            assert turn.wait(SECONDS) == 0, log.read_text()
    assert rows(warehouse, "SELECT name, events FROM runs ORDER BY name") == [
        ("run0", 2),
        ("run1", 3),
    ]
    first, second = sorted(spans(prefect_server))
    assert first[1] <= second[0]


STUCK = """
import sys
from pathlib import Path
from prefect import flow
from flows.limits import loading
@flow
def one():
    with loading(Path(sys.argv[1]), stuck=1):
        print("loading", flush=True)
one()
one()
"""


def test_a_slot_that_a_server_forgot_is_freed_unless_somebody_loads(
    prefect_server: PrefectServer, here: Path
) -> None:
    warehouse, log = here / "tcpdw.duckdb", here / "log"
    name, limits = limit_name(warehouse), "v2/concurrency_limits"
    # A slot without a lease is what a server leaves that was ended.
    prefect_server.post(f"{limits}/", name=name, limit=1)
    prefect_server.post(f"{limits}/increment", names=[name], slots=1)
    with Warehouse(warehouse), log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", STUCK, warehouse], env=environment(prefect_server.env),
            stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            until(lambda: "waiting for the flow that loads" in log.read_text(), process, log)
            time.sleep(3)
            assert "nobody loads" not in log.read_text()
        except BaseException:
            ended(process)
            raise
    with contextlib.ExitStack() as stack:
        stack.callback(ended, process)
        assert process.wait(SECONDS) == 0, log.read_text()
    assert log.read_text().count("nobody loads: it is freed") == 1
    assert log.read_text().count("loading\n") == 2
    assert prefect_server.get(f"{limits}/{name}")["active_slots"] == 0


def spans(server: PrefectServer) -> Iterator[tuple[str, str]]:
    """Give for the two latest flow runs when their tasks of the load step began and ended."""
    for run in latest(server, 2):

        def all_three(run_id: str = run["id"]) -> list[dict[str, Any]] | None:
            # The server writes down task runs a little after they end.
            body = {"flow_runs": {"id": {"any_": [run_id]}}}
            tasks = server.post("task_runs/filter", **body)
            steps = [t for t in tasks if t["name"].startswith(("discover", "read ", "load "))]
            return steps if len([t for t in steps if t["end_time"]]) == 3 else None

        steps = until(all_three)
        yield min(t["start_time"] for t in steps), max(t["end_time"] for t in steps)


def until(
    ask: Callable[[], Any], process: subprocess.Popen[Any] | None = None, log: Path | None = None
) -> Any:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and (process is None or process.poll() is None):
        if answer := ask():
            return answer
        time.sleep(0.2)
    pytest.fail(f"nothing came; the process said:\n{log.read_text()[-3000:] if log else ''}")


def ended(process: subprocess.Popen[Any]) -> None:
    """End a process that was started here, by its id."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def documented() -> dict[str, list[str]]:
    """Give the commands of docs/schedule.md by heading."""
    text = (ROOT / "docs" / "schedule.md").read_text("utf-8")
    found: dict[str, list[str]] = {}
    for part in re.split(r"^#+ ", text, flags=re.M)[1:]:
        heading, body = part.split("\n", 1)
        blocks = re.findall(r"^```sh\n(.*?)^```", body, re.M | re.S)
        found[heading] = [line for block in blocks for line in block.splitlines()]
    return found


def terminal(server: PrefectServer, here: Path) -> dict[str, str]:
    """Give an environment in which the commands of the documentation are there."""
    (here / "bin").mkdir()
    # Another installation may be the virtual environment's own.
    program = here / "bin" / "tcpdw"
    program.write_text(f"#!{sys.executable}\nfrom tcpdw.cli import main\nmain()\n")
    program.chmod(0o755)
    env = environment(server.env)
    return {**env, "PATH": f"{here / 'bin'}{os.pathsep}{env['PATH']}"}


@contextlib.contextmanager
def shell(env: Mapping[str, str], here: Path, line: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a line of the documentation as a program of its own, which ends with the block."""
    log = here / f"log-{len(list(here.glob('log-*')))}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {line}"], cwd=here, env=env, stdout=output,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        process.log = log  # type: ignore[attr-defined]
        try:
            yield process
        finally:
            ended(process)


def run_line(env: Mapping[str, str], here: Path, line: str, status: int = 0) -> str:
    with shell(env, here, line) as process:
        process.wait(SECONDS)
    said = process.log.read_text()  # type: ignore[attr-defined]
    assert process.returncode == status, said
    return said


def fill(here: Path, name: str) -> None:
    shutil.copy(DATA / f"{name}.tar.xz", here / "inbox" / f"{name}.tar.xz.part")
    (here / "inbox" / f"{name}.tar.xz.part").rename(here / "inbox" / f"{name}.tar.xz")


def taken(here: Path, name: str) -> None:
    """Check that a run was taken in: its rows, its file, and the report."""
    found = rows(here / "tcpdw.duckdb", f"SELECT status FROM runs WHERE name = '{name}'")
    assert found == [("ok",)]
    assert (here / "inbox" / "done" / f"{name}.tar.xz").is_file()
    assert not (here / "inbox" / f"{name}.tar.xz").exists()
    assert list((here / "reports").glob("report-*.html"))


def quick(line: str) -> str:
    return line.replace("tcpdw serve", "tcpdw serve --settle 0.1", 1)


def recent(line: str) -> str:
    """Look back far enough to find the sample runs, whenever this is run."""
    return quick(line).replace("tcpdw serve", "tcpdw serve --days 3650", 1)


def test_the_documented_commands_work_with_a_server_and_with_a_worker(
    prefect_server: PrefectServer, here: Path
) -> None:
    commands = documented()
    env = {**terminal(prefect_server, here), "PREFECT_WORKER_QUERY_SECONDS": "3"}
    names = [f"merlin-server-handshake-00{number}" for number in (1, 2)]

    server, address, serving, turn = commands["With Prefect's own server"]
    # The server of the tests is this one, at another port.
    assert (server, address) == (
        "prefect server start",
        "export PREFECT_API_URL=http://127.0.0.1:4200/api",
    )
    fill(here, names[0])
    with shell(env, here, recent(serving)) as process:
        deployment = until(lambda: deployed(prefect_server), process, process.log)  # type: ignore[attr-defined]
        [schedule] = deployment["schedules"]
        assert (schedule["schedule"]["cron"], schedule["schedule"]["timezone"]) == (
            "0 2 * * *",
            "Europe/Berlin",
        )
        out_of_turn(prefect_server, env, here, turn)
    taken(here, names[0])

    make_pool, deploying, work = commands["With a work pool and a worker"]
    fill(here, names[1])
    run_line(env, here, make_pool)
    assert "prefect worker start --pool tcpdw" in run_line(env, here, recent(deploying))
    with shell(env, here, work):
        out_of_turn(prefect_server, env, here, turn)
    taken(here, names[1])
    assert "| Runs loaded | 1 |" in artifact(prefect_server)


def out_of_turn(server: PrefectServer, env: Mapping[str, str], here: Path, line: str) -> None:
    """Start a turn as documented, and wait for it."""
    before = len(latest(server, 100))
    run_line(env, here, line)
    until(lambda: len(latest(server, 100)) > before)
    state = latest(server)[0]["state"]
    assert state["type"] == "COMPLETED", state["message"]


def deployed(server: PrefectServer) -> dict[str, Any] | None:
    found = server.post("deployments/filter", deployments={"name": {"any_": ["nightly"]}})
    return found[0] if found else None


WRONG = [
    ((), "one of --cron and --once is needed"),
    (("--once", "--cron", "0 2 * * *"), "one of --cron and --once is needed"),
    (("--once", "--work-pool", "p"), "--work-pool needs --cron"),
    (("--once", "--gate", "syn_to_wak:p50:5%"), "did you mean syn_to_wake"),
    (("--once", "--out", "a\nb"), "Prefect takes no name with control characters"),
    (("--cron", "0 2 * * *"), "a schedule needs a Prefect server; start one with `prefect server"),
]


@pytest.mark.parametrize(("options", "says"), WRONG)
def test_wrong_usage_is_one_line(options: tuple[str, ...], says: str, here: Path) -> None:
    done = serve(prefect_environment(here / "home"), here, *options)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_inbox_or_a_schedule_that_is_none_is_one_line(here: Path) -> None:
    env = {**prefect_environment(here / "home"), "PREFECT_API_URL": "http://127.0.0.1:9/api"}
    done = serve(env, here, "--cron", "at noon")
    assert (done.returncode, "'at noon' in 'UTC' is no schedule" in done.stderr) == (2, True)
    shutil.rmtree(here / "inbox")
    done = serve(env, here, "--once")
    assert done.returncode == 1
    assert "inbox: is no directory that can be read; make it" in done.stderr
    assert len(done.stderr.splitlines()) == 1
