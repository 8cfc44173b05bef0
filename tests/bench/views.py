"""How fast the warehouse answers: each table and view that people query, for one run and all."""

from __future__ import annotations

import shutil
import statistics
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from bench import peers
from bench.inputs import Inputs, say
from bench.table import Row, seconds
from tcpdw import catalog

ONE_RUN_SECONDS = 0.1
ALL_SECONDS = 1.0
LIMIT_SECONDS = 10.0
"""What takes longer is given up, and counts as this."""
WAYS = {
    "literal": "SELECT * FROM {view} WHERE run_id = {run}",
    "subquery": "SELECT * FROM {view} WHERE run_id = "
    "(SELECT run_id FROM runs WHERE name = '{name}')",
    "join": "SELECT v.* FROM {view} AS v INNER JOIN runs AS r ON v.run_id = r.run_id "
    "WHERE r.name = '{name}'",
}
"""How a query may say which run it means."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The medians of one view: one run among many, the slowest way to name it, and all runs."""

    view: str
    way: str
    one: float
    whole: float


def public(known: catalog.Catalog) -> list[str]:
    """List the tables and views that people query: not the steps that only loading takes."""
    return [
        item.name
        for item in known.objects
        if item.kind != "MACRO"
        and item.room != catalog.STEPS
        and not item.name.startswith(("event.", "store."))
        and any(column.name == "run_id" for column in item.columns)
    ]


def multiply(connection: duckdb.DuckDBPyConnection, runs: int) -> None:
    """Copy the runs within a warehouse until it has so many, in the order of loading.

    A copy has numbers, a name and hashes of its own, and all else of its original.
    """
    [(have, last)] = connection.execute("SELECT COUNT(*), MAX(run_id) FROM runs").fetchall()
    tables = connection.execute(
        "SELECT schema_name, table_name, LIST(column_name ORDER BY column_index) "
        "FROM duckdb_columns() INNER JOIN duckdb_tables() USING (schema_name, table_name) "
        "WHERE NOT duckdb_tables.internal GROUP BY ALL "
        "HAVING LIST_CONTAINS(LIST(column_name), 'run_id') ORDER BY ALL"
    ).fetchall()
    connection.begin()
    for schema, table, columns in tables:
        for copy in range(1, -(-runs // have)):
            values = {name: f'"{name}"' for name in columns}
            values["run_id"] = f"run_id + {copy * last}"
            if table == "runs":
                for name in ("name", "content_hash", "source_hash"):
                    values[name] = f"{name} || '-{copy}'"
            connection.execute(
                f'INSERT INTO {schema}."{table}" SELECT {", ".join(values.values())} '
                f'FROM {schema}."{table}" WHERE run_id <= least({last}, {runs - copy * last})'
            )
    connection.commit()


def answers(few: Path, many: Path, repeat: int) -> list[Answer]:
    """Time every public table and view: one run of `many`, and all of `few`."""
    found: list[Answer] = []
    with (
        duckdb.connect(str(many), read_only=True) as one,
        duckdb.connect(str(few), read_only=True) as whole,
    ):
        [(run, name)] = one.execute(
            "SELECT run_id, name FROM runs ORDER BY ABS(run_id - (SELECT MEDIAN(run_id) FROM runs))"
            " LIMIT 1"
        ).fetchall()
        for view in public(catalog.load()):
            times = {
                way: _median(one, text.format(view=view, run=run, name=name), repeat)
                for way, text in WAYS.items()
            }
            way = max(times, key=lambda key: times[key])
            all_runs = _median(whole, f"SELECT * FROM {view}", repeat)
            found.append(Answer(view, way, times[way], all_runs))
    return found


def _median(connection: duckdb.DuckDBPyConnection, query: str, repeat: int) -> float:
    samples: list[float] = []
    for _ in range(repeat):
        timer = threading.Timer(LIMIT_SECONDS, connection.interrupt)
        timer.start()
        start = time.perf_counter()
        try:
            connection.sql(query).to_arrow_table()
        except duckdb.InterruptException:
            return LIMIT_SECONDS
        finally:
            timer.cancel()
        samples.append(time.perf_counter() - start)
    return statistics.median(samples)


def views(inputs: Inputs) -> list[Row]:
    """Measure one run of a thousand and all of data/, view by view, the slowest first."""
    few, many = inputs.work / "few.duckdb", inputs.work / "many.duckdb"
    peers.ingest(inputs.archives, few, inputs.scratch())
    say(f"copying {len(inputs.archives)} runs to {inputs.scale.runs}")
    shutil.copy(few, many)
    with duckdb.connect(str(many)) as connection:
        multiply(connection, inputs.scale.runs)
    found = answers(few, many, inputs.scale.repeat)
    for path in (few, many):
        peers.remove(path)
    return [
        Row(
            f"`{answer.view}`, one run of {inputs.scale.runs:,}, by {answer.way}",
            seconds(answer.one),
            f"all of {len(inputs.archives)} runs",
            seconds(answer.whole),
            target=f"{seconds(ONE_RUN_SECONDS)}; {seconds(ALL_SECONDS)}",
            met=answer.one <= ONE_RUN_SECONDS and answer.whole <= ALL_SECONDS,
            samples={"one run": [answer.one], "all runs": [answer.whole]},
        )
        for answer in sorted(found, key=lambda answer: -answer.one)
    ]
