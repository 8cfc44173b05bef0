"""The flow that compares and reports, with a real server."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import PrefectServer
from loaded_rows import empty_warehouse
from test_flows import DATA, flow_runs, ingest, python

import tcpdw
from flows import comparison_report
from tcpdw.compare import By, compare
from tcpdw.warehouse import Warehouse

HOSTILE = "evil|<img src=x>\n[a](javascript:x)\x1b[2J`"


def run_report(server: PrefectServer, temporary: Path, *arguments: str | Path) -> Any:
    return python(server.env, temporary, "-m", "flows.report", *arguments)


def artifact(server: PrefectServer, key: str) -> str:
    found = server.post("artifacts/latest/filter", artifacts={"key": {"any_": [key]}})
    return found[0]["data"]


def cells(text: str) -> list[list[str]]:
    """Read the rows of Markdown's tables, escapes undone."""
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line[:1] == "|"]
    return [[re.sub(r"\\(.)", r"\1", cell.strip()) for cell in row] for row in rows]


def test_the_comparison_is_an_artifact_and_the_report_a_file(
    prefect_server: PrefectServer, loaded: Path, tmp_path: Path
) -> None:
    out = tmp_path / "report.html"
    condition = "experiment = 'handshake' AND role = 'server'"
    done = run_report(
        prefect_server, tmp_path / "t", "--warehouse", loaded, "--out", out, "--runs", condition
    )
    assert done.returncode == 0, done.stderr
    html = out.read_text(encoding="utf-8")
    assert "kestrel" in html
    assert "osprey" in html
    assert flow_runs(prefect_server, "report")[0]["state"]["type"] == "COMPLETED"
    text = artifact(prefect_server, "report")
    assert str(out) in re.sub(r"\\(.)", r"\1", text)
    with tcpdw.connect(loaded) as connection:
        expected = compare(connection, [], By(("machine",)), runs=condition, alone=True)
        medians = dict(
            connection.execute(
                "SELECT machine, QUANTILE_DISC(dur, 0.5) FROM syn_to_wake JOIN runs USING (run_id) "
                f"WHERE certain AND {condition} GROUP BY ALL"
            ).fetchall()
        )
    found = [row for row in cells(text) if row[0] == "syn_to_wake"]
    assert {row[1] for row in found} == set(medians) == {"kestrel", "merlin", "osprey"}
    for row in found:
        value, unit = row[4].split()[0], row[4].split()[-1]
        assert unit == "ms"
        assert float(value) == pytest.approx(medians[row[1]] / 1e6, rel=0.005)
    assert len(cells(text)) == 2 + sum(len(one.groups) for one in expected.metrics)
    for warning in expected.warnings:
        assert str(warning) in re.sub(r"\\(.)", r"\1", text).replace("&quot;", '"')


def test_an_ingest_writes_the_report_if_asked(
    prefect_server: PrefectServer, tmp_path: Path
) -> None:
    run = DATA / "merlin-server-lossy-001.tar.xz"
    made, out = tmp_path / "w.duckdb", tmp_path / "report.html"
    done = ingest(prefect_server.env, tmp_path / "t", run, "--warehouse", made, "--report", out)
    assert done.returncode == 0, done.stderr
    assert "merlin" in out.read_text(encoding="utf-8")
    assert flow_runs(prefect_server, "report")[0]["parent_task_run_id"] is not None
    missing = tmp_path / "missing" / "report.html"
    done = ingest(prefect_server.env, tmp_path / "t", run, "--warehouse", made, "--report", missing)
    assert done.returncode == 1
    state = flow_runs(prefect_server, "ingest")[0]["state"]
    assert state["type"] == "FAILED"
    assert state["message"].startswith("no report was written: ")
    assert str(missing) in state["message"]


def test_what_cannot_be_reported_is_said(prefect_server: PrefectServer, tmp_path: Path) -> None:
    arguments = ("--warehouse", tmp_path / "none.duckdb", "--out", tmp_path / "r.html")
    done = run_report(prefect_server, tmp_path / "t", *arguments)
    assert done.returncode == 1
    assert not (tmp_path / "r.html").exists()
    message = flow_runs(prefect_server, "report")[0]["state"]["message"]
    assert "no such warehouse" in message
    done = run_report(prefect_server, tmp_path / "t")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "no warehouse was given" in done.stderr


def test_names_in_a_comparison_are_data(tmp_path: Path) -> None:
    with Warehouse(empty_warehouse(tmp_path)) as made:
        made.connection.execute(
            "INSERT INTO runs BY NAME SELECT n AS run_id, 'r' || n AS name, "
            "IF(n % 2 = 0, ?, 'plain') AS machine, '/r' AS source_path, 0 AS events, "
            "0 AS packets, 0 AS events_discarded, 'ok' AS status, [] AS warnings "
            "FROM range(1, 5) AS t (n); ",
            [HOSTILE],
        )
        made.connection.execute(
            "INSERT INTO hardirqs BY NAME SELECT n AS run_id, 1 AS ts, 1001 + n AS exit_ts, "
            "true AS certain FROM range(1, 5) AS t (n)"
        )
        compared = compare(made.connection, ["hardirq_duration"], By(("machine",)), alone=True)
    text = "\n".join(comparison_report.markdown(compared))
    assert "<img" not in text
    assert "\x1b" not in text
    assert "](" not in text
    groups = [row[1] for row in cells(text)[2:]]
    shown = HOSTILE.encode("unicode_escape").decode().replace("<", "&lt;").replace(">", "&gt;")
    assert [ast.literal_eval(f"'{shown}'"), "plain"] == [
        ast.literal_eval(f"'{group}'") for group in sorted(groups)
    ]
