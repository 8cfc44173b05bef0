"""`tcpdw steps`: the story as it is printed, and what it does where there is none to tell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import view_case

from tcpdw.cli import entry

CASES = Path(__file__).parent / "cases"
HOSTILE = "evil\x1b[2J[red]x[/red]\n\u202ey"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("story")
    cases = [
        view_case.read(view_case.FOLDER / f"{name}.txt") for name in ("steps_select", "steps_fork")
    ]
    connection, _ = view_case.load(cases, folder)
    connection.execute(
        "INSERT INTO runs BY NAME SELECT 9 AS run_id, 'bare' AS name, '/runs/9' AS source_path, "
        "1 AS events, 0 AS packets, 0 AS events_discarded, 'ok' AS status, [] AS warnings"
    )
    connection.execute("UPDATE threads SET comm = ? WHERE run_id = 2 AND comm = 'nc'", [HOSTILE])
    connection.execute("INSERT INTO event_classes VALUES (9, 'syscall_entry_read', 1)")
    connection.close()
    return folder / "0.duckdb"


def run(told: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = entry.run(["steps", *words, "--warehouse", str(told)])
    out, err = capsys.readouterr()
    return status, out, err


def test_the_story_is_as_recorded(told: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(told, capsys, "steps_select-1")
    assert (status, err) == (0, "")
    assert out == (CASES / "story/select.txt").read_text(encoding="utf-8")


def test_of_several_connections_one_is_told(told: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = run(told, capsys, "steps_fork-1")
    second = run(told, capsys, "steps_fork-1", "--connection", "2")
    assert first[1].startswith("steps_fork-1, server: 1.1.1.2:40 --> 1.1.1.1:50\n")
    assert second[1].startswith("steps_fork-1, server: 1.1.1.3:41 --> 1.1.1.1:50\n")
    assert first[1].endswith("connection 1 of 2; --connection N shows another, 1 to 2\n")
    assert run(told, capsys, "steps_fork-1", "--connection", "3")[0] == 2


def test_names_steer_nothing(told: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(told, capsys, "steps_select-2")
    assert status == 0
    assert "[red]x[/red]" in out
    assert "[fd00::2]:40 --> [fd00::1]:50" in out
    assert all(character == "\n" or character.isprintable() for character in out)


def test_data_have_every_step(told: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(told, capsys, "steps_fork-1", "--format", "json")
    rows = json.loads(out)
    assert status == 0
    assert {row["connection_id"] for row in rows} == {1, 2}
    assert [row["number"] for row in rows if row["connection_id"] == 2][:3] == [1, 2, 3]


def test_missing_events_are_named(told: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(told, capsys, "bare")
    assert (status, out) == (1, "")
    assert "net_if_receive_skb or net_dev_queue" in err


def test_the_macro_names_them_too(told: Path) -> None:
    import duckdb

    with duckdb.connect(told, read_only=True) as connection:
        with pytest.raises(duckdb.Error, match=r"run bare lacks .*: net_if_receive_skb or net_dev"):
            connection.execute("FROM experiment_steps(9)")
        with pytest.raises(duckdb.Error, match="there is no run 77"):
            connection.execute("FROM experiment_steps(77)")
