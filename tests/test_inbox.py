"""What lies in an inbox goes into the warehouse and to `done/`, or to `failed/` with its reason."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from loaded_rows import contents, empty_warehouse, rows, strays, trace

from tcpdw import pipeline
from tcpdw.errors import InboxError, WarehouseError
from tcpdw.inbox import Turn, take_in
from tcpdw.inbox_files import Inbox
from tcpdw.pipeline import Options, Watcher
from tcpdw.warehouse import Warehouse

ROOT = Path(__file__).parents[1]
DATA = ROOT / "data"
SETTLE = 0.3
HOSTILE = "a\x1b[31m|<b>\n'; DROP TABLE runs--\udcff"


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return empty_warehouse(tmp_path)


def taken(inbox: Path, warehouse: Path, settle: float = 0) -> Turn:
    return take_in(inbox, warehouse, Options(workers=1), settle=settle)


def packed(folder: Path, archive: Path) -> Path:
    with tarfile.open(archive, "w") as writer:
        writer.add(folder, folder.name)
    return archive


def tree(folder: Path) -> list[str]:
    """List the files below a folder."""
    return sorted(
        str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_symlink() or not p.is_dir()
    )


def found(warehouse: Path) -> list[tuple[object, ...]]:
    return rows(warehouse, "SELECT name, status, events FROM runs ORDER BY name, status")


def test_runs_move_to_done_and_bad_ones_to_failed_with_the_reason(
    inbox: Path, warehouse: Path, tmp_path: Path
) -> None:
    trace(inbox / "one", 1)
    packed(trace(tmp_path / "two", 2), inbox / "two.tar")
    (inbox / "noise.tar.xz").write_bytes(b"no archive")
    (inbox / "notes.txt").write_text("to be no run")
    trace(inbox / "headless", 3)
    (inbox / "headless" / "kernel" / "metadata").unlink()
    (inbox / "link.tar").symlink_to(tmp_path / "two")
    (inbox / "empty").mkdir()

    turn = taken(inbox, warehouse)

    assert tree(inbox) == [
        "done/one/kernel/ch_0",
        "done/one/kernel/metadata",
        "done/two.tar",
        "failed/headless.reason.txt",
        "failed/headless/kernel/ch_0",
        "failed/link.tar",
        "failed/link.tar.reason.txt",
        "failed/noise.tar.xz",
        "failed/noise.tar.xz.reason.txt",
        "failed/notes.txt",
        "failed/notes.txt.reason.txt",
    ]
    assert (inbox / "empty").is_dir()
    assert [name for name, status, _ in found(warehouse) if status == "ok"] == ["one", "two"]
    assert [(taken.name, taken.place) for taken in turn.taken if taken.place == "done"] == [
        ("one", "done"),
        ("two.tar", "done"),
    ]
    for name, says in [
        ("noise.tar.xz", "no xz archive"),
        ("notes.txt", "is neither an archive nor a capture"),
        ("headless", "a trace without its metadata"),
        ("link.tar", "a symbolic link is not followed"),
    ]:
        [reason] = (inbox / "failed" / f"{name}.reason.txt").read_text().splitlines()
        assert says in reason
        assert [t.reasons for t in turn.at("failed") if t.name == name] == [(reason,)]
    # The warehouse knows all that was a run or was to be one.
    assert len([1 for _, status, _ in found(warehouse) if status == "failed"]) == 3
    before = contents(warehouse)
    again = taken(inbox, warehouse)
    assert (again.taken, again.copied, contents(warehouse)) == ((), (), before)


def test_a_run_of_several_files_is_one_and_a_folder_of_runs_stays(
    inbox: Path, warehouse: Path, tmp_path: Path
) -> None:
    name = "merlin-server-handshake-003"
    (inbox / "merlin").mkdir()
    unpack = ["tar", "-xJf", DATA / f"{name}.tar.xz", "-C", inbox / "merlin"]
    subprocess.run(unpack, check=True, timeout=60)
    packed(trace(tmp_path / "two", 2), inbox / "merlin" / "two.tar")
    (inbox / "merlin" / "bad.zip").write_bytes(b"PK")

    turn = taken(inbox, warehouse)

    assert {t.name: t.place for t in turn.taken} == {
        f"merlin/{name}": "done",
        "merlin/two.tar": "done",
        "merlin/bad.zip": "failed",
    }
    assert rows(warehouse, "SELECT events, packets FROM runs WHERE name LIKE 'merlin%'") == [
        (14138, 6)
    ]
    assert (inbox / "done" / "merlin" / name / "run.json").is_file()
    assert sorted(p.name for p in (inbox / "failed" / "merlin").iterdir()) == [
        "bad.zip",
        "bad.zip.reason.txt",
    ]
    assert list((inbox / "merlin").iterdir()) == []


def test_what_was_there_already_goes_to_done_and_a_name_that_is_taken_gets_a_number(
    inbox: Path, warehouse: Path, tmp_path: Path
) -> None:
    for number in (1, 2, 2):
        packed(trace(tmp_path / str(number) / "run", number), inbox / "run.tar")
        (inbox / "bad.tar").write_bytes(bytes([number]) * 600)
        taken(inbox, warehouse)
        shutil.rmtree(tmp_path / str(number))
    trace(inbox / "same", 1)
    twin = trace(inbox / "twin", 5)
    shutil.copytree(twin, inbox / "twin2")
    long = "x" * 251 + ".tar"
    (inbox / long).write_bytes(b"?")
    taken(inbox, warehouse)

    assert sorted(p.name for p in (inbox / "done").iterdir()) == [
        "run.2.tar",
        "run.3.tar",
        "run.tar",
        "same",
        "twin",
        "twin2",
    ]
    cut = "x" * 240 + ".tar"
    assert sorted(p.name for p in (inbox / "failed").iterdir()) == sorted(
        name + end
        for name in ("bad.tar", "bad.2.tar", "bad.3.tar", cut)
        for end in ("", ".reason.txt")
    )
    assert [row for row in found(warehouse) if row[1] == "ok"] == [
        ("run", "ok", 2),
        ("run", "ok", 3),
        ("twin", "ok", 6),
    ]


def test_hostile_names_are_files_like_others(inbox: Path, warehouse: Path, tmp_path: Path) -> None:
    trace(inbox / HOSTILE, 1)
    # To people, and in the warehouse, both have one name.
    trace(inbox / HOSTILE.replace("\x1b", "\x1a"), 2)
    (inbox / f"{HOSTILE}.tar").write_bytes(b"no archive")

    turns = [taken(inbox, warehouse) for _ in range(2)]

    assert [len(turn.at("done")) for turn in turns] == [1, 1]
    assert len(list((inbox / "done").iterdir())) == 2
    assert (inbox / "failed" / f"{HOSTILE}.tar.reason.txt").is_file()
    for turn in turns:
        assert all(
            t.name.isprintable() and all(map(str.isprintable, t.reasons)) for t in turn.taken
        )
    assert sorted(events for _, status, events in found(warehouse) if status == "ok") == [2, 3]


COPYING = """
import sys, time
from pathlib import Path
source, target, pause = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
target.parent.mkdir(exist_ok=True)
content = source.read_bytes()
with target.open("wb", buffering=0) as file:
    for start in range(0, len(content), 1024):
        file.write(content[start : start + 1024])
        print(flush=True)
        time.sleep(pause)
    sys.stdin.read()
"""


@contextlib.contextmanager
def copying(source: Path, target: Path, pause: float = 0) -> Iterator[subprocess.Popen[bytes]]:
    """Have another process copy a file, slowly; it is done when its input ends."""
    command = [sys.executable, "-c", COPYING, str(source), str(target), str(pause)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.communicate()
    assert process.returncode == 0


def test_files_that_other_processes_copy_in_are_left_alone(
    inbox: Path, warehouse: Path, tmp_path: Path
) -> None:
    source = packed(trace(tmp_path / "run", 3), tmp_path / "run.tar")
    places = ("night/run.tar", "run.tar")
    with copying(source, inbox / places[0], 0.02), copying(source, inbox / places[1], 0.02):
        turn = taken(inbox, warehouse, SETTLE)
        assert (turn.copied, turn.taken) == (places, ())
        assert found(warehouse) == []
    turn = taken(inbox, warehouse, SETTLE)
    assert [(t.name, t.place) for t in turn.taken] == [(place, "done") for place in places]
    assert found(warehouse) == [("run", "ok", 4)]


def has_leases(folder: Path) -> bool:
    """Tell whether the file system tells of writers."""
    with (folder / "leased").open("w"), (folder / "leased").open() as file:
        try:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError as error:
            return error.errno == errno.EAGAIN
    return False


def test_a_copy_that_pauses_for_long_is_known_by_its_open_file(
    inbox: Path, warehouse: Path, tmp_path: Path
) -> None:
    if not has_leases(tmp_path):
        pytest.skip("this file system has no leases")
    source = packed(trace(tmp_path / "run", 3), tmp_path / "run.tar")
    target = inbox / "run.tar"
    with copying(source, target):
        while not target.exists() or target.stat().st_size < source.stat().st_size:
            time.sleep(0.01)
        assert Inbox(inbox).look(0).copied == (target,)
    assert [unit.path for unit in Inbox(inbox).look(0).whole] == [target]


def test_a_directory_is_whole_when_all_of_it_is(
    inbox: Path, warehouse: Path, tmp_path: Path
) -> None:
    source = packed(trace(tmp_path / "other", 3), tmp_path / "other.tar")
    # Without run.json, the capture that comes may belong to the trace beside it.
    trace(inbox / "run", 1)
    trace(inbox / "night" / "nested", 2)
    # With it, a run is whole by itself.
    trace(inbox / "night" / "stated", 3, {"machine": "box"})
    with (
        copying(source, inbox / "run" / "a.pcap", 0.02),
        copying(source, inbox / "night" / "b.pcap", 0.02),
    ):
        turn = taken(inbox, warehouse, SETTLE)
        assert [(t.name, t.place) for t in turn.taken] == [("night/stated", "done")]
        assert set(turn.copied) == {"run", "night/b.pcap", "night/nested"}
    for name in ("run/a.pcap", "night/b.pcap"):
        (inbox / name).unlink()
    assert {t.name for t in taken(inbox, warehouse, SETTLE).at("done")} == {"run", "night/nested"}


def test_names_of_copies_are_left_alone(inbox: Path, tmp_path: Path) -> None:
    content = packed(trace(tmp_path / "run", 3), tmp_path / "run.tar").read_bytes()
    names = ("run.part", "run.tar.PARTIAL", "run.tar.tmp", ".run.tar.aB3dE6", ".hidden.tar")
    for number, name in enumerate(names):
        (inbox / name).write_bytes(content)
        run = trace(inbox / f"run{number}", 1)
        (run / "kernel" / name).write_bytes(b"")
        (run / ".gitkeep").write_bytes(b"")
    box = Inbox(inbox)
    # Hidden files may stay in a run for good, but for those that rsync makes.
    assert [unit.path.name for unit in box.look(0).whole] == ["run4"]
    assert {path.name for path in box.look(0).copied} == {
        *names[:3],
        "run0",
        "run1",
        "run2",
        "run3",
    }
    for number, name in enumerate(names):
        (inbox / name).rename(inbox / f"{number}.tar")
        (inbox / f"run{number}" / "kernel" / name).unlink()
    assert len(box.look(0).whole) == 10


def test_what_changes_while_it_is_read_is_not_loaded(
    inbox: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace(inbox / "run", 1)
    trace(inbox / "still", 2)
    read_source = pipeline.read_source

    def changing(source: pipeline.Source, *arguments: object, **options: object) -> object:
        result = read_source(source, *arguments, **options)  # type: ignore[arg-type]
        if source.name == "run":
            (source.path / "late.pcap").write_bytes(b"")
        return result

    monkeypatch.setattr(pipeline, "read_source", changing)
    turn = taken(inbox, warehouse)
    monkeypatch.undo()
    assert [(t.name, t.place) for t in turn.taken] == [("still", "done"), ("run", "left")]
    assert "changed while it was read" in turn.at("left")[0].reasons[0]
    assert found(warehouse) == [("still", "ok", 3)]
    (inbox / "run" / "late.pcap").unlink()
    taken(inbox, warehouse)
    assert found(warehouse) == [("run", "ok", 2), ("still", "ok", 3)]


def test_what_passes_leaves_a_run_where_it_is(
    inbox: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace(inbox / "run", 1)
    trace(inbox / "still", 2)
    read_source = pipeline.read_source

    def full(source: pipeline.Source, *arguments: object, **options: object) -> object:
        if source.name == "run":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/spool")
        return read_source(source, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "read_source", full)
    turn = taken(inbox, warehouse)
    monkeypatch.undo()
    [left] = turn.at("left")
    assert (left.name, "No space left on device" in left.reasons[0]) == ("run", True)
    assert found(warehouse) == [("run", "failed", 0), ("still", "ok", 3)]
    assert [t.place for t in taken(inbox, warehouse).taken] == ["done"]
    assert found(warehouse) == [("run", "ok", 2), ("still", "ok", 3)]


def test_a_locked_warehouse_leaves_all_as_it_is(inbox: Path, warehouse: Path) -> None:
    trace(inbox / "run", 1)
    code = "import sys; from tcpdw.warehouse import Warehouse\n"
    code += "with Warehouse(sys.argv[1]): print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(warehouse)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(WarehouseError, match=r"another process \(PID \d+\) has it open"):
            taken(inbox, warehouse)
        process.communicate()
    assert tree(inbox) == ["run/kernel/ch_0", "run/kernel/metadata"]


KILLED = """
import os, signal, sys
from pathlib import Path
from tcpdw import inbox, inbox_files, pipeline
moment, count = sys.argv[3], int(sys.argv[4])
pipeline.BATCH_RUNS = 2
def killing(owner, name):
    real = getattr(owner, name)
    def reached(*arguments):
        global count
        count -= 1
        if count == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments)
    setattr(owner, name, reached)
killing(*{"move": (inbox_files.Inbox, "to_done"), "reason": (Path, "rename")}[moment])
inbox.take_in(Path(sys.argv[1]), Path(sys.argv[2]), pipeline.Options(workers=1), settle=0)
"""


# Two of the renames try the directories; the first of the others is that of the bad run.
@pytest.mark.parametrize(("moment", "count"), [("move", 4), ("reason", 3)])
def test_after_a_kill_between_commit_and_move_the_next_turn_comes_to_the_same_end(
    moment: str, count: int, inbox: Path, warehouse: Path, tmp_path: Path
) -> None:
    for number in range(1, 6):
        packed(trace(tmp_path / f"r{number}", number), inbox / f"r{number}.tar")
    (inbox / "bad.tar").write_bytes(b"no archive")

    done = subprocess.run(
        [sys.executable, "-c", KILLED, inbox, warehouse, moment, str(count)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == -signal.SIGKILL
    # The kill came when some runs were in the warehouse and still lay in the inbox.
    lying = {name.removesuffix(".tar") for name in tree(inbox) if "/" not in name}
    assert lying & {name.removesuffix(".tar") for name, *_ in found(warehouse)}
    turn = taken(inbox, warehouse)
    assert {taken.name for taken in turn.taken} == {f"{name}.tar" for name in lying}
    runs = [f"r{number}" for number in range(1, 6)]
    assert tree(inbox) == [
        *(f"done/{name}.tar" for name in runs),
        "failed/bad.tar",
        "failed/bad.tar.reason.txt",
    ]
    assert "no tar archive" in (inbox / "failed" / "bad.tar.reason.txt").read_text()
    assert found(warehouse) == [
        ("bad.tar", "failed", 0),
        *((name, "ok", number) for number, name in enumerate(runs, 2)),
    ]
    assert rows(warehouse, "SELECT COUNT(*) FROM events") == [(2 + 3 + 4 + 5 + 6,)]
    assert strays(warehouse) == {}


def test_runs_move_while_others_are_still_read(
    inbox: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "BATCH_RUNS", 2)
    for number in range(1, 6):
        trace(inbox / f"r{number}", number)
    seen: list[int] = []

    class Looking(Watcher):
        def loaded(self, batch: object) -> None:
            seen.append(len(list((inbox / "done").iterdir())))

    take_in(inbox, warehouse, Options(workers=1), Looking(), settle=0)
    assert seen == [2, 4, 5]


def test_a_second_turn_waits_for_the_first(inbox: Path, warehouse: Path) -> None:
    trace(inbox / "run", 1)
    turns: list[Turn] = []
    with Inbox(inbox).locked():
        with pytest.raises(InboxError, match="another process takes runs from it"):
            take_in(inbox, warehouse, settle=0, wait=0)
        waiting = threading.Thread(target=lambda: turns.append(taken(inbox, warehouse)))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
    waiting.join()
    assert [t.place for t in turns[0].taken] == ["done"]


def test_an_inbox_that_cannot_be_used_is_one_clear_error(inbox: Path, warehouse: Path) -> None:
    trace(inbox / "run", 1)
    with pytest.raises(InboxError, match=r"nowhere: is no directory that can be read; make it"):
        taken(inbox / "nowhere", warehouse)
    with pytest.raises(InboxError, match=r"the warehouse lies in the inbox, where it would be"):
        taken(inbox, inbox / "w.duckdb")
    (inbox / "done").rmdir()
    (inbox / "done").write_text("a file")
    with pytest.raises(InboxError, match=r"done: runs cannot be moved there: File exists"):
        taken(inbox, warehouse)
    (inbox / "done").unlink()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        if Path(elsewhere).stat().st_dev == inbox.stat().st_dev:
            pytest.skip("/dev/shm is no file system of its own")
        (inbox / "done").symlink_to(elsewhere)
        with pytest.raises(InboxError, match=r"done: lies on another file system than the inbox"):
            taken(inbox, warehouse)
    assert sorted(path.name for path in inbox.iterdir()) == ["done", "failed", "run"]


WITHOUT_RIGHTS = """
import os, sys
from pathlib import Path
from tcpdw.inbox_files import Inbox
if os.geteuid() == 0:
    os.seteuid(65534)
Inbox(Path(sys.argv[1]))
"""


def test_an_inbox_without_the_right_to_write_is_one_clear_error() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_RIGHTS, folder],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        Path(folder).chmod(0o755)
    last = done.stderr.splitlines()[-1]
    assert f"{folder}/done: runs cannot be moved there: Permission denied; give the user" in last


def test_a_run_that_cannot_be_moved_is_left_and_said(
    inbox: Path, warehouse: Path, tmp_path: Path
) -> None:
    packed(trace(tmp_path / "run", 1), inbox / "night.tar")
    packed(trace(tmp_path / "other", 2), inbox / "other.tar")
    (inbox / "night").mkdir()
    (inbox / "night.tar").rename(inbox / "night" / "run.tar")
    (inbox / "done").mkdir()
    (inbox / "done" / "night").write_text("in the way")
    turn = taken(inbox, warehouse)
    assert {t.name: t.place for t in turn.taken} == {"night/run.tar": "left", "other.tar": "done"}
    assert "cannot be moved to done/: File exists" in turn.at("left")[0].reasons[0]
    assert (inbox / "night" / "run.tar").is_file()


def test_nothing_to_do_makes_no_warehouse(inbox: Path, tmp_path: Path) -> None:
    turn = taken(inbox, tmp_path / "w.duckdb", 3600)
    assert (turn.taken, turn.copied, turn.summary.skipped) == ((), (), 0)
    assert not (tmp_path / "w.duckdb").exists()
    with Warehouse(tmp_path / "w.duckdb") as made:
        assert made.known() == {}
