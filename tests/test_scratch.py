"""Temporary folders: removed by their makers, and of makers that were killed, by the next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from loaded_rows import empty_warehouse

from tcpdw import archives, pipeline, scratch

HOLDS = """
import os, signal, sys
from pathlib import Path
from tcpdw import scratch
with scratch.folder(Path(sys.argv[1])) as made:
    (made / "deep").mkdir()
    (made / "deep" / "file").write_text("x")
    print(made, flush=True)
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def left(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def test_a_folder_goes_with_its_block(tmp_path: Path) -> None:
    with scratch.folder(tmp_path) as made, scratch.folder(tmp_path, hidden=True) as other:
        (made / "file").write_text("x")
        (made / "link").symlink_to(tmp_path)
        assert other.name.startswith(".")
        assert made.stat().st_mode & 0o777 == 0o700
        assert scratch.sweep(tmp_path) == 0
        assert (made / "file").exists()
    assert left(tmp_path) == []
    with pytest.raises(KeyError), scratch.folder(tmp_path):
        raise KeyError
    assert left(tmp_path) == []


def test_what_was_killed_is_swept_and_what_lives_is_not(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        made = Path(holder.stdout.readline().strip())
        assert scratch.sweep(tmp_path) == 0
        assert (made / "deep" / "file").exists()
        holder.communicate("")
        assert holder.returncode == -signal.SIGKILL
    assert left(tmp_path) == [made.name]
    assert scratch.sweep(tmp_path) == 1
    assert left(tmp_path) == []


def test_an_empty_folder_is_one_killed_as_it_was_made(tmp_path: Path) -> None:
    (tmp_path / f"{scratch.PREFIX}abcd_123").mkdir()
    assert scratch.sweep(tmp_path) == 1
    assert left(tmp_path) == []


def test_what_is_not_a_scratch_folder_stays(tmp_path: Path) -> None:
    mine = tmp_path / f"{scratch.PREFIX}my-notes"
    mine.mkdir()
    (tmp_path / "tcpdw-data").mkdir()
    (tmp_path / f"{scratch.PREFIX}abcdefgh").write_text("a file")
    (tmp_path / f"{scratch.PREFIX}abcdefg1").symlink_to(mine)
    unlocked = tmp_path / f"{scratch.PREFIX}abcdefg2"
    unlocked.mkdir()
    (unlocked / "words").write_text("without a lock it is nobody's")
    before = left(tmp_path)
    assert scratch.sweep(tmp_path) == 0
    assert left(tmp_path) == before
    assert scratch.sweep(tmp_path / "missing") == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_another_user_s_folder_stays(tmp_path: Path) -> None:
    theirs = tmp_path / f"{scratch.PREFIX}abcdefgh"
    theirs.mkdir()
    os.chown(theirs, 12345, 12345)
    assert scratch.sweep(tmp_path) == 0
    assert left(tmp_path) == [theirs.name]


def test_a_link_in_it_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("x")
    dead = tmp_path / f"{scratch.PREFIX}abcdefgh"
    dead.mkdir()
    (dead / ".lock").touch()
    (dead / "link").symlink_to(outside)
    assert scratch.sweep(tmp_path) == 1
    assert (outside / "file").exists()


def test_an_ingest_sweeps_where_ingests_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [tmp_path / name for name in ("temporary", "memory", "warehouses")]
    for place in places:
        dead = place / f"{scratch.PREFIX}abcdefgh"
        dead.mkdir(parents=True)
        (dead / ".lock").touch()
        (dead / "rows").write_text("x")
    empty_warehouse(places[2])
    monkeypatch.setattr(tempfile, "tempdir", str(places[0]))
    monkeypatch.setattr(archives, "IN_MEMORY", places[1])
    pipeline.ingest([], places[2] / "w.duckdb")
    assert [left(place) for place in places] == [[], [], ["w.duckdb"]]
