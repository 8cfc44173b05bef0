"""What recording needs: all that is missing is said at once, with the way out, and nothing runs."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from recordings import TRACED, Bench, trace_of

from tcpdw.cli import entry
from tcpdw.record import needs
from tcpdw.record.settings import MEBIBYTE, Settings


class Disk(NamedTuple):
    total: int
    used: int
    free: int


def found(settings: Settings) -> dict[str, needs.Need]:
    return {need.what: need for need in needs.needs(settings)}


def settings(folder: Path, **changes: Any) -> Settings:
    return Settings(**{"out": folder, "machine": "lab", "kernel": False, **changes})


def be_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(needs, "_capabilities", lambda: set(range(41)))


def test_all_that_is_missing_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    out = tmp_path / "out"
    assert entry.run(["record", "--local", "--out", str(out)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("tcpdw: error: nothing can be recorded yet. Missing:\n")
    for name, package in (
        ("ip", "iproute2"),
        ("ncat", "ncat"),
        ("lttng", "lttng-tools"),
        ("lttng-sessiond", "lttng-tools"),
        ("tcpdump", "tcpdump"),
    ):
        assert f"\n  {name}: is not installed; apt-get install {package}\n" in said
    assert not out.exists()


def test_check_only_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    words = ["record", "--local", "--no-kernel", "--check", "--out", str(tmp_path / "out")]
    assert entry.run([*words, "--format", "csv"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "state,what,found,remedy"
    assert "missing,ncat,is not installed,apt-get install ncat" in lines
    assert not (tmp_path / "out").exists()


def test_programs_of_the_users_are_looked_for(tmp_path: Path) -> None:
    experiment = settings(tmp_path).experiment
    given = type(experiment)(server_words="my-server {port}", client_words="sh -c true")
    answer = found(settings(tmp_path, experiment=given))
    assert "ncat" not in answer
    assert answer["sh"].is_met
    assert answer["my-server"].remedy == "install it, or give its path"


@pytest.mark.parametrize(
    ("place", "kernel", "remedy"),
    [
        ("local", False, "run it as root: sudo tcpdw record ..."),
        ("listen", True, "run it as root: sudo tcpdw record ..., or add the user: adduser USER "
         "tracing"),
        ("listen", False, "run it as root: sudo tcpdw record ..., or let dumpcap do it: "
         "dpkg-reconfigure wireshark-common, --capture dumpcap"),
    ],
)  # fmt: skip
def test_who_may_not_is_told_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, kernel: bool, remedy: str
) -> None:
    nobody: Callable[[], set[int]] = set
    monkeypatch.setattr(needs, "_capabilities", nobody)
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    answer = found(settings(tmp_path, place=place, kernel=kernel, capture="tcpdump"))
    assert answer["rights"].remedy == remedy
    assert "kernel tracer" not in answer


def test_a_kernel_that_cannot_be_traced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path).with_kernel(trace_of(TRACED, tmp_path / "trace"))
    for name, value in {**bench.environment, "STAND_IN_FAIL": "list --kernel"}.items():
        monkeypatch.setenv(name, value)
    be_root(monkeypatch)
    need = found(settings(tmp_path, kernel=True, place="connect"))["kernel tracer"]
    assert need.found == "`lttng list` failed: the stand-in fails at list"
    assert need.remedy == (
        f"apt-get install lttng-modules-dkms linux-headers-{os.uname().release}; "
        "without one: --no-kernel records the rest"
    )
    assert not (bench.state / "daemon").exists()


def test_buffers_that_do_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path).with_kernel(trace_of(TRACED, tmp_path / "trace"))
    for name, value in bench.environment.items():
        monkeypatch.setenv(name, value)
    be_root(monkeypatch)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(needs.tracer, "memory", lambda: 100 * MEBIBYTE)
    answer = found(settings(tmp_path, kernel=True, place="connect", buffer=16 * MEBIBYTE))
    assert answer["memory"].remedy == "give smaller ones: --buffer 12"
    assert answer["kernel tracer"].found == "26 tracepoints"


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(10, 5, 5 * MEBIBYTE))
    need = needs.disk(settings(tmp_path / "not" / "there"))
    assert (need.found, need.remedy) == (
        f"5 MiB free in {tmp_path}", "a run may take 16 MiB: make room",
    )  # fmt: skip


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    need = needs.disk(settings(tmp_path / "file" / "out"))
    assert need.found == f"{tmp_path / 'file'} cannot be written"


@pytest.mark.skipif(shutil.which("ip") is None, reason="ip is not installed")
def test_the_address_and_the_port(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = found(settings(tmp_path, place="listen", address="127.0.0.1", port=port))
        assert answer["interface"].found == "lo"
        assert answer["port"].found == f"TCP 127.0.0.1 port {port}: Address already in use"
    answer = found(settings(tmp_path, place="listen", address="127.0.0.1", port=port))
    assert answer["port"].is_met
    answer = found(settings(tmp_path, place="listen", address="192.0.2.7"))
    assert answer["interface"].found == "no interface here has the address 192.0.2.7"
    answer = found(settings(tmp_path, place="connect", address="server.example"))
    assert answer["address"].remedy == "give an IP address, not a name"
    answer = found(settings(tmp_path, place="connect", address="127.0.0.1", interface="nil0"))
    assert answer["interface"].found == "there is no nil0"
    assert "lo" in str(answer["interface"].remedy)


@pytest.mark.parametrize(
    "words",
    [
        ["--local", "--machine", "a/b"],
        ["--local", "--machine", ".hidden"],
        ["--local", "--machine", "a-server-b"],
        ["--local", "--machine", "server"],
        ["--local", "--experiment", "x\ny"],
        ["--local", "--connections", "3"],
        ["--local", "--listen", "127.0.0.1", "5000"],
        [],
    ],
)
def test_what_cannot_be_asked_for(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.run(["record", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1
