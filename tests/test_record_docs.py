"""What docs/recording.md shows works: its example experiment runs, its commands exist."""

from __future__ import annotations

import re
import shlex
import time
from pathlib import Path
from types import CodeType

import pytest
from recordings import needs_namespaces, repetitions

import tcpdw
from tcpdw import pipeline
from tcpdw.cli import entry
from tcpdw.errors import RecordError
from tcpdw.record.processes import Program

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "recording.md").read_text()


def example() -> CodeType:
    (text,) = re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)
    return compile(text, "recording.md", "exec")


@needs_namespaces
@pytest.mark.parametrize("away", [0, 0.1])
def test_the_example_records_its_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, away: float
) -> None:
    quick = Program.type

    def type_and_be_away(program: Program, text: bytes) -> None:
        # On a busy machine the programs may do all before this process has its next turn.
        quick(program, text)
        time.sleep(away)

    monkeypatch.setattr(Program, "type", type_and_be_away)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    exec(example(), {"__name__": "example"})
    assert repetitions(tmp_path / "runs") == ["lab-client-chatter-001", "lab-server-chatter-001"]
    pipeline.ingest([tmp_path / "runs"], tmp_path / "w.duckdb")
    with tcpdw.connect(tmp_path / "w.duckdb") as opened:
        rows = opened.sql(
            "SELECT r.role, SUM(p.payload_len) FROM packets AS p JOIN runs AS r USING (run_id) "
            "GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert rows == [("client", 30), ("server", 30)]


@needs_namespaces
def test_where_no_run_was_recorded_that_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ncat_is_gone(program: Program, text: bytes) -> None:
        program.stop()

    monkeypatch.setattr(Program, "type", ncat_is_gone)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecordError, match="no run was recorded") as raised:
        exec(example(), {"__name__": "example"})
    assert "program ended: `ncat" in str(raised.value.__cause__)
    assert list((tmp_path / "runs").iterdir()) == []


def test_the_commands_exist() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", TEXT, re.M | re.S)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    commands = [shlex.split(line.split("# ")[-1] if "# tcpdw" in line else line, comments=True)
                for line in lines]  # fmt: skip
    assert len(commands) >= 6
    for program, name, *words in commands:
        assert program == "tcpdw"
        with entry.app.make_context("tcpdw", [name]) as ctx:
            command = entry.app.commands[name]
            for parameter in command.params:
                if hasattr(parameter.type, "exists"):
                    parameter.type.exists = False
            command.make_context(name, words, parent=ctx)
