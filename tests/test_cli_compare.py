from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest
from made_runs import Made, of_lengths, warehouse

from tcpdw.cli import entry
from tcpdw.compare import By, compare, text
from tcpdw.output import width

ROOT = Path(__file__).parent.parent
CASES = Path(__file__).parent / "cases" / "compare"
PROGRAM = [sys.executable, "-c", "from tcpdw.cli import main; main()"]
METRIC = "syn_to_wake"
HOSTILE = "evil\x1b[2J[red]x[/red]\n\u202ey" + "z" * 60
SIDES = ["--base", "machine = 'a'", "--new", "machine = 'b'"]


def runs_of(machine: str, middle: int, runs: int = 10) -> list[Made]:
    """Make runs of 20 intervals, of 2 % around `middle`, ns, the same in each but one ns a run."""
    return [
        of_lengths(machine, [middle * (98 * 19 + 4 * step) // 1900 + run for step in range(20)])
        for run in range(runs)
    ]


def answer(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    status = entry.run(arguments)
    out, err = capsys.readouterr()
    return status, out, err


# --- compare -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(CASES.glob("*.txt")), ids=lambda path: path.stem)
def test_the_sample_runs_compare_as_recorded(
    path: Path,
    loaded: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TCPDW_WAREHOUSE", str(loaded))
    recorded = path.read_text(encoding="utf-8")
    parts: list[str] = []
    for command in re.findall(r"^\$ tcpdw (.*)$", recorded, re.MULTILINE):
        status, out, err = answer(shlex.split(command), capsys)
        parts.append(f"$ tcpdw {command}\n{out}")
        if err:
            parts.append("--- stderr\n" + err)
        parts.append(f"--- exit {status}\n\n")
    assert "".join(parts) == recorded


def test_there_are_recorded_comparisons() -> None:
    assert len(list(CASES.glob("*.txt"))) >= 2


def test_data_for_programs_is_in_ns(loaded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with duckdb.connect(str(loaded), read_only=True) as connection:
        expected = connection.execute(
            "SELECT machine, role, QUANTILE_DISC(dur, 0.5), QUANTILE_DISC(dur, 0.99), MAX(dur) "
            "FROM softirq_duration INNER JOIN runs USING (run_id) WHERE certain "
            "GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    command = ["compare", "--warehouse", str(loaded), "softirq_duration", "--by", "machine,role"]
    status, out, err = answer([*command, "--format", "json", "--examples"], capsys)
    assert status == 0
    assert err.startswith("tcpdw: warning: ")
    rows = json.loads(out)
    figures = ("machine", "role", "p50", "p99", "max")
    assert [tuple(row[name] for name in figures) for row in rows] == expected
    assert rows[0]["p50_diff"] is None
    for row in rows:
        assert row["group"] == f"{row['machine']}, {row['role']}"
        assert row["base"] == rows[0]["group"]
        assert row["max_run"].startswith(row["machine"])
    for row in rows[1:]:
        assert row["p50_diff"] == row["p50"] - rows[0]["p50"]
        assert row["p50_rel"] == pytest.approx(row["p50"] / rows[0]["p50"] - 1)
        low, high = row["p50_rel_low"], row["p50_rel_high"]
        assert low is None or low <= row["p50_rel"]
        assert high is None or high >= row["p50_rel"]
    status, out, err = answer([*command, "--format", "csv"], capsys)
    table = list(csv.DictReader(io.StringIO(out)))
    assert [line["p50"] for line in table] == [str(row["p50"]) for row in rows]


def test_stages_for_programs_sum_to_the_difference(
    loaded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["compare", METRIC, "--warehouse", str(loaded), "--stages", "--format", "json"]
    _, out, _ = answer(command, capsys)
    totals: dict[tuple[str, str], float] = {}
    expected: dict[tuple[str, str], float] = {}
    for row in json.loads(out):
        key = (row["group"], row["quantile"])
        if row["part"] in ("stage", "rest", "beyond"):
            totals[key] = totals.get(key, 0) + row["diff"]
        elif row["part"] == "quantile":
            expected[key] = row["diff"]
    assert len(expected) == 6
    assert totals == pytest.approx(expected)


def test_tables_that_do_not_fit_have_a_line_a_figure(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    found = compare(connection, [METRIC, "softirq_duration"], By(("machine", "role")))
    wide = list(text.lines(found, None, lambda line, style: line))
    widest = max(width(line) for line in wide)
    assert list(text.lines(found, widest, lambda line, style: line)) == wide
    narrow = list(text.lines(found, 60, lambda line, style: line))
    assert max(width(line) for line in narrow) <= 60
    # The same figures, in another order.
    figures = r"[-+]?\d[\d.,]*(?: \[.*?\]%?)?"
    assert set(re.findall(figures, "\n".join(narrow))) == set(re.findall(figures, "\n".join(wide)))


def test_colour_only_where_a_difference_is_shown(tmp_path: Path) -> None:
    script = shutil.which("script")
    if script is None:
        pytest.skip("needs script(1) for a terminal")
    runs = [*runs_of("a", 1_000_000), *runs_of("b", 2_000_000), *runs_of("c", 1_000_000)]
    path = warehouse(tmp_path / "made.duckdb", runs)
    command = shlex.join([*PROGRAM, "compare", METRIC, "--warehouse", str(path)])

    def drawn(**environment: str) -> str:
        env = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        return subprocess.run(
            [script or "", "-qec", f"stty cols 130; {command}", "/dev/null"],
            capture_output=True,
            text=True,
            check=True,
            env={**env, "TERM": "xterm", "PYTHONPATH": str(ROOT), **environment},
        ).stdout

    red = re.findall(r"\x1b\[31m(.*?)\x1b\[0m", drawn())
    assert 1 <= len(red) <= 3
    assert all(cell.strip().startswith("+") for cell in red)
    assert "\x1b[32m" not in drawn()
    assert "\x1b" not in drawn(NO_COLOR="1")


def test_names_are_harmless_and_long_labels_get_a_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = warehouse(tmp_path / "made.duckdb", [*runs_of("a", 10**6), *runs_of(HOSTILE, 10**6)])
    command = ["compare", METRIC, "--warehouse", str(path), "--examples", "--stages"]
    status, out, _ = answer(command, capsys)
    assert status == 0
    assert all(character == "\n" or character.isprintable() for character in out)
    assert "  [2] evil\\x1b[2J[red]x[/red]\\n\\u202ey" in out
    assert re.search(r"^\[2\] +10 +200 +0  ", out, re.MULTILINE)
    for form in ("json", "csv"):
        status, out, _ = answer([*command[:-2], "--format", form], capsys)
        assert status == 0
        assert HOSTILE[-60:] in out


def test_new_needs_base_alone(loaded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options in (["--new", "true"], ["--by", "kernel", "--base", "a", "--new", "true"]):
        status, _, err = answer(["compare", *options, "--warehouse", str(loaded)], capsys)
        assert status == 2
        assert "--new goes with --base alone" in err


# --- gate ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "new", "limit", "status", "reason"),
    [
        (1_000_000, 1_100_000, "5%", 1, "lies beyond 5%"),
        (1_000_000, 1_100_000, "20us", 1, "lies beyond 20us"),
        (1_000_000, 1_100_000, "15%", 0, "lies within 15%"),
        (1_000_000, 1_100_000, "0.2ms", 0, "lies within 0.2ms"),
        (1_000_000, 1_000_000, "5%", 0, "lies within 5%"),
        (1_000_000, 900_000, "-5%", 0, "lies within -5%"),
        (1_000_000, 1_000_000, "-5%", 1, "lies beyond -5%"),
        (1_000_000, 1_050_000, "5%", 3, "20 and 10 runs cannot tell"),
        (0, 1_000_000, "5%", 3, "no share of it can be a limit"),
    ],
)
def test_the_gate_judges_by_the_interval(
    base: int,
    new: int,
    limit: str,
    status: int,
    reason: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = [of_lengths("a", [0] * 20)] * 20 if base == 0 else runs_of("a", base, 20)
    path = warehouse(tmp_path / "made.duckdb", [*before, *runs_of("b", new)])
    command = ["gate", METRIC, *SIDES, f"--max-regression={limit}", "--warehouse", str(path)]
    found, out, _ = answer(command, capsys)
    assert found == status, out
    assert reason in " ".join(out.split())
    found, out, _ = answer([*command, "--format", "json"], capsys)
    [row] = json.loads(out)
    verdict = {0: "inside", 1: "beyond", 3: "unknown"}[status]
    assert (found, row["status"], row["verdict"]) == (status, status, verdict)
    assert reason in row["reason"]
    assert (row["base_runs"], row["new_runs"], row["quantile"]) == (20, 10, "p50")


def test_two_runs_cannot_tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [of_lengths("a", [1_000_000]), of_lengths("b", [2_000_000])]
    path = warehouse(tmp_path / "made.duckdb", [*runs, *runs])
    command = ["gate", METRIC, *SIDES, "--max-regression", "5%", "--warehouse", str(path)]
    status, out, _ = answer(command, capsys)
    assert status == 3
    assert "cannot tell" in out
    assert "2 and 2 runs are too few for p50" in " ".join(out.split())
    assert "warning: too few runs to show a difference" in out


def test_another_quantile_is_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # A tenth of b's intervals takes twice as long: its p50 stays, its p95 does not.
    fast = [1_000_000 + step for step in range(18)]
    same = [of_lengths("a", [*fast, 1_000_018, 1_000_019])] * 20
    slow = [of_lengths("b", [*fast, 2_000_018, 2_000_019])] * 20
    path = warehouse(tmp_path / "made.duckdb", [*same, *slow])
    command = ["gate", METRIC, *SIDES, "--max-regression", "5%", "--warehouse", str(path)]
    assert answer([*command, "--quantile", "p50"], capsys)[0] == 0
    status, out, _ = answer([*command, "--quantile", "p95", "--format", "json"], capsys)
    assert status == 1, out
    [row] = json.loads(out)
    assert row["quantile"] == "p95"
    assert (row["base_value"], row["new_value"]) == (1_000_018, 2_000_018)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (["--warehouse", "nowhere.duckdb"], "no such warehouse"),
        (["--max-regression", "5"], "not a limit: '5'"),
        (["--max-regression", "five%"], "not a limit"),
        (["--quantile", "p0"], "not a quantile"),
        (["--quantile", "0.5"], "not a quantile"),
        (["--new", "machine = 'x'"], "no run has --new"),
        (["--new", "machine = 'c'"], "the new runs have no certain interval"),
        (["--new", "machin = 'b'"], "machin"),
        (["--new", "machine"], "machine"),
        (["--new", "true"], "runs have both"),
        (["--bogus"], "No such option"),
    ],
)
def test_no_error_of_the_gate_looks_like_a_verdict(
    changed: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [*runs_of("a", 10**6), *runs_of("b", 10**6), of_lengths("c", [])]
    path = warehouse(tmp_path / "made.duckdb", runs)
    command = ["gate", METRIC, *SIDES, "--max-regression", "5%", "--warehouse", str(path)]
    assert answer(command, capsys)[0] == 0
    status, out, err = answer([*command, *changed], capsys)
    assert (status, out) == (2, "")
    assert message in err


def test_a_metric_that_does_not_exist_is_no_verdict(
    loaded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sides = ["--base", "machine = 'osprey'", "--new", "machine = 'merlin'"]
    command = ["gate", *sides, "--max-regression", "5%", "--warehouse", str(loaded)]
    status, _, err = answer([*command, "syn_to_wak"], capsys)
    assert status == 2
    assert "did you mean syn_to_wake" in err


def test_an_answer_that_nobody_reads_is_no_verdict(tmp_path: Path) -> None:
    runs = [*runs_of("a", 10**6), *runs_of("b", 2 * 10**6)]
    path = warehouse(tmp_path / "made.duckdb", runs)
    command = [*PROGRAM, "gate", METRIC, *SIDES, "--max-regression", "5%"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*command, "--warehouse", str(path)],
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=False,
        )
    assert done.returncode == 2
    # Started as some schedulers do, with standard output closed, it still judges.
    judged = subprocess.run(
        ["sh", "-c", '"$@" >&- 2>&-', "sh", *command, "--warehouse", str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert judged.returncode == 1
    passed = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *command[:-1], "150%", "--warehouse", str(path)],
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (passed.returncode, passed.stderr) == (0, b"")
    # After an error of the gate, others fail as ever.
    assert entry.run(["summary", METRIC, "--warehouse", "nowhere.duckdb"]) == 1
