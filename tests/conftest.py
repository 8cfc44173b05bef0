"""What many tests share: the sample runs in a warehouse, and a Prefect server of their own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import duckdb
import pytest
from browser import chromium
from playwright.sync_api import Browser

import tcpdw
from tcpdw import pipeline

DATA = Path(__file__).parent.parent / "data"
START_SECONDS = 180
BUSY_SECONDS = 150
SPARED_SERVICES = ("CANCELLATION_CLEANUP", "FOREMAN", "LATE_RUNS", "PAUSE_EXPIRATIONS", "TRIGGERS")
STOP_SECONDS = 20

SHARING = {
    "test_record": "recording",
    "test_flow": "prefect",
    "test_nightly": "prefect",
}
"""Test files, by how their names begin, that share what the machine has once, or a server."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests on one worker, for they share fixtures, and files that share likewise."""
    for item in items:
        name = item.path.stem
        group = next((SHARING[start] for start in SHARING if name.startswith(start)), name)
        item.add_marker(pytest.mark.xdist_group(group))


def prefect_environment(home: Path) -> dict[str, str]:
    """Return an environment in which Prefect has no settings but a home of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    home.mkdir(exist_ok=True)
    return {**env, "PREFECT_HOME": str(home), "DO_NOT_TRACK": "1"}


@dataclass(frozen=True)
class PrefectServer:
    """A running server: its API's address, and what makes a process use it."""

    url: str
    env: Mapping[str, str]

    def post(self, path: str, **body: Any) -> Any:
        return self._ask(
            urllib.request.Request(
                f"{self.url}/{path}",
                json.dumps(body).encode(),
                {"Content-Type": "application/json"},
            )
        )

    def get(self, path: str) -> Any:
        return self._ask(urllib.request.Request(f"{self.url}/{path}"))

    def _ask(self, request: urllib.request.Request) -> Any:
        """Ask again while the server is busy with its database (503), as Prefect's clients do."""
        until = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                with urllib.request.urlopen(request, timeout=BUSY_SECONDS) as answer:
                    said = answer.read()
                    return json.loads(said) if said else None
            except urllib.error.HTTPError as error:
                if error.code != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > until:
                    raise
            time.sleep(0.2)


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a warehouse of all sample runs; nobody writes to it."""
    path = tmp_path_factory.mktemp("sample") / "all.duckdb"
    summary = pipeline.ingest([DATA], path)
    assert [run.warnings for run in summary.failed] == []
    assert len(summary.loaded) == len(list(DATA.glob("*.tar.xz")))
    return path


@pytest.fixture
def connection(loaded: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection to the warehouse of all sample runs."""
    with tcpdw.connect(loaded) as opened:
        yield opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Yield a headless Chromium; `browser.Watched` shows a page in it."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    folder = tmp_path_factory.mktemp("prefect-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = prefect_environment(folder / "home")
    env["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    # On SQLite it may lock itself out for a minute (busy_timeout in its configurations.py): who
    # asks has to wait for longer, and it does without the services that nothing here needs.
    env["PREFECT_API_REQUEST_TIMEOUT"] = str(BUSY_SECONDS)
    for service in SPARED_SERVICES:
        env[f"PREFECT_SERVER_SERVICES_{service}_ENABLED"] = "false"
    command = [sys.executable, "-m", "prefect", "server", "start"]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            server = PrefectServer(
                f"http://127.0.0.1:{port}/api",
                {**env, "PREFECT_API_URL": f"http://127.0.0.1:{port}/api"},
            )
            wait_for(server, process, log)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(server: PrefectServer, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if server.get("health") is True:
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"the Prefect server does not answer; it said:\n{log.read_text()[-3000:]}")
