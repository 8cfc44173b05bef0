"""Kill -9 at random moments of `tcpdw ingest`, its readers too; then that the next goes on.

The moments are random and their seed is told; tests/test_ingest_killed.py chooses them.
"""

from __future__ import annotations

import json
import os
import random
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest
from loaded_rows import contents, rows, strays, trace

ROOT = Path(__file__).parents[1]
SAMPLES = ("merlin-server-lossy-001",)
TINY = 4
KILLS = 50
# The program as it is once Python has started, which takes longer than what it does here: each
# line asks for one. Small batches, so that there are transactions to be in the middle of.
PROGRAMS = """
import json, os, sys, tempfile
import duckdb, pyarrow.compute
import tcpdw.reading, tcpdw.warehouse, tcpdw.readers.ctf_native, tcpdw.readers.ctf_metadata
from tcpdw import pipeline
from tcpdw.cli import main
pipeline.BATCH_RUNS = 2
for line in sys.stdin:
    job = json.loads(line)
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        os.dup2(1, 2)
        os.environ.update(job["environment"])
        tempfile.tempdir = None
        sys.argv = ["tcpdw", *job["words"]]
        main()
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
READERS = {"native": (), "bt2": ("--reader", "bt2")}
GONE_SECONDS = 30


@dataclass
class Lane:
    """Ingests of one inbox, with one choice of readers, in folders of their own."""

    folder: Path
    inbox: Path
    options: tuple[str, ...]
    programs: subprocess.Popen[str]
    log: Path
    warehouse: Path = field(init=False)
    temporary: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.warehouse = self.folder / "held" / "w.duckdb"
        self.warehouse.parent.mkdir()
        self.temporary = self.folder / "temporary"
        self.temporary.mkdir()

    def start(self) -> int:
        """Start an ingest, in a session of its own; return its process."""
        assert self.programs.stdin is not None
        words = ["ingest", "--warehouse", str(self.warehouse), *self.options, str(self.inbox)]
        environment = {"TMPDIR": str(self.temporary), "XDG_CACHE_HOME": str(self.folder / "cache")}
        job = {"words": words, "environment": environment, "log": str(self.log)}
        self.programs.stdin.write(json.dumps(job) + "\n")
        self.programs.stdin.flush()
        return self.answer()

    def answer(self, seconds: float = 120) -> int:
        """Give the next number that the programs' starter tells. Raises TimeoutError."""
        assert self.programs.stdout is not None
        if not select.select([self.programs.stdout], [], [], seconds)[0]:
            raise TimeoutError
        number = b""
        while not number.endswith(b"\n"):
            number += os.read(self.programs.stdout.fileno(), 1)
        return int(number)

    def whole(self) -> float:
        """Ingest undisturbed; return how long it took."""
        begin = time.monotonic()
        self.start()
        assert self.answer() == 0, self.log.read_text()
        return time.monotonic() - begin

    def killed(self, after: float, whom: str) -> bool:
        """Ingest, kill it after that many seconds, and return whether it was still running."""
        process = self.start()
        try:
            status = self.answer(after)
        except TimeoutError:
            readers = children(process) if whom != "parent" else []
            # It may be too early for a session of its own, or too late.
            for one in readers if whom == "reader" and readers else [process, *readers]:
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)
            status = self.answer()
        # A reader that was killed costs its run, for this time; the program goes on.
        said = self.log.read_text()
        assert status in (0, 1, -signal.SIGKILL), said
        assert status != 1 or "the reader process died" in said, said
        self.wait_for_readers(process)
        return status == -signal.SIGKILL

    def wait_for_readers(self, session: int) -> None:
        """See that the children of a process that was killed end by themselves."""
        deadline = time.monotonic() + GONE_SECONDS
        while (left := in_session(session)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not left, "a reader outlives the ingest that was killed"

    def check(self, expected: dict[str, tuple[int, int]]) -> int:
        """See that each run is in whole or not at all; return how many are."""
        if not self.warehouse.exists():
            return 0
        found = rows(
            self.warehouse,
            "SELECT name, events, packets, status, "
            "(SELECT COUNT(*) FROM events AS e WHERE e.run_id = r.run_id), "
            "(SELECT COUNT(*) FROM packets AS p WHERE p.run_id = r.run_id) FROM runs AS r",
        )
        good = [row for row in found if row[3] != "failed"]
        assert {row[0] for row in found} <= expected.keys()
        assert len({row[0] for row in found}) == len(found)
        for name, events, packets, _, are, captured in good:
            assert (events, packets) == (are, captured) == expected[name]
        assert strays(self.warehouse) == {}
        return len(good)

    def left(self) -> list[str]:
        """List the files that are neither the warehouse nor kept on purpose."""
        files = [path for path in self.folder.rglob("*") if path != self.warehouse]
        kept = [path for path in files if path.suffix in (".empty", ".classes", ".layout")]
        folders = {self.warehouse.parent, self.temporary, *(p for k in kept for p in k.parents)}
        left = {*files} - {*kept} - folders - {path for path in files if is_probe(path)}
        return sorted(str(path.relative_to(self.folder)) for path in left)


def is_probe(path: Path) -> bool:
    """Tell whether it is what Python's `tempfile` writes to see if a folder can be written to."""
    is_named_so = re.fullmatch("[a-z0-9_]{8}", path.name) is not None
    return is_named_so and path.is_file() and path.read_bytes() in (b"", b"blat")


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    try:
        return [int(child) for task in tasks for child in task.read_text().split()]
    except OSError:
        return []


def in_session(session: int) -> list[int]:
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(entry.name))
    return found


@contextmanager
def started(programs: str = PROGRAMS) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", programs],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def fill(inbox: Path, samples: tuple[str, ...]) -> Path:
    inbox.mkdir()
    for name in samples:
        (inbox / f"{name}.tar.xz").symlink_to(ROOT / "data" / f"{name}.tar.xz")
    for number in range(1, TINY + 1):
        trace(inbox / f"r{number}", number)
    return inbox


def kill_and_go_on(folder: Path, reader: str, seed: str, kills: int) -> tuple[int, list[str]]:
    """Kill ingests by one choice of readers; return how many left files, and what is wrong."""
    chance = random.Random(f"{seed} {reader}")
    # bt2 takes seconds for what is recorded.
    inbox = fill(folder / "in", SAMPLES if reader == "native" else ())
    wrong: list[str] = []
    leaving = done = rounds = 0
    with started() as programs:

        def lane(name: str) -> Lane:
            return Lane(folder / name, inbox, READERS[reader], programs, folder / "log")

        undisturbed = lane("undisturbed")
        undisturbed.whole()
        seconds = lane("again").whole()
        found = rows(undisturbed.warehouse, "SELECT name, events, packets FROM runs")
        expected = {name: (events, packets) for name, events, packets in found}
        content = contents(undisturbed.warehouse, without="run_id")
        while done < kills:
            rounds += 1
            disturbed = lane(f"round {rounds}")
            before = 0
            for _ in range(12):
                whom = chance.choice(("all", "parent", "reader" if reader == "bt2" else "parent"))
                # Early ones for the most part: what is in cannot be spoilt by those that follow.
                after = seconds * chance.random() ** 2
                done += disturbed.killed(after, whom) or whom == "reader"
                now = disturbed.check(expected)
                assert now >= before, "what was in the warehouse is there no more"
                before = now
                leaving += disturbed.left() != []
                if now == len(expected) or done >= kills:
                    break
            disturbed.whole()
            assert disturbed.check(expected) == len(expected)
            if contents(disturbed.warehouse, without="run_id") != content:
                wrong.append(f"{disturbed.folder.name}: other content than undisturbed")
            wrong += [f"{disturbed.folder.name}: {name} is left" for name in disturbed.left()]
    return leaving, wrong


@pytest.mark.skipif(find_spec("bt2") is None, reason="bt2 is not installed")
def test_fifty_kills(tmp_path: Path) -> None:
    seed = str(random.randrange(1 << 32))

    def run(reader: str) -> tuple[int, list[str]]:
        (tmp_path / reader).mkdir()
        return kill_and_go_on(tmp_path / reader, reader, seed, KILLS // 2)

    with ThreadPoolExecutor(len(READERS)) as lanes:
        results = list(lanes.map(run, READERS))
    assert [wrong for _, wrong in results] == [[], []], f"seed {seed}"
    # Else it would show nothing that no file is left in the end.
    assert sum(leaving for leaving, _ in results) > KILLS // 10, f"seed {seed}"
