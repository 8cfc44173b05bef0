"""What follows from the rows of runs: the derived tables and the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcpdw.warehouse_schema import text_literal

if TYPE_CHECKING:
    import duckdb

    from tcpdw.catalog import Catalog


SPARED = frozenset(
    (
        *("aggregate_function_rewriter", "aggregate_reuse", "common_aggregate", "extension"),
        *("compressed_materialization", "distinct_aggregate_rewrite", "duplicate_groups"),
        *("grouping_sets", "in_clause", "join_elimination", "partial_aggregate_pushdown"),
        *("projection_placement", "projection_pullup", "redundant_order_keys", "regex_range"),
        *("remote_pushdown", "sampling_pushdown", "scalar_fn_pushdown", "type_pushdown"),
        *("top_n_window_elimination", "unnest_rewriter", "window_rewriter", "window_self_join"),
    )
)
"""DuckDB's optimizers without which few rows are derived from: they look through each plan for what
pays on many rows, or for what the steps do not have."""


def prepare_for_few(connection: duckdb.DuckDBPyConnection) -> None:
    """Set what makes few rows quick to derive from: less than a row group."""
    known = connection.execute("SELECT name FROM duckdb_optimizers()").fetchall()
    spared = ",".join(name for (name,) in known if name in SPARED)
    # Threads share row groups: with one there is only the cost of their start.
    connection.execute(f"SET threads = 1; SET disabled_optimizers = '{spared}'")


def derive(connection: duckdb.DuckDBPyConnection, known: Catalog, first: int, last: int) -> None:
    """Fill the derived tables and the metrics' counts for the runs from `first` to `last`."""
    new = f"run_id BETWEEN {first} AND {last}"
    execute = connection.execute
    for step in known.steps:
        keys, name = step.keys, step.name
        rows = f"FROM ({known.rows_of(step)}) AS step_rows WHERE {new}"
        if "fills" in keys:
            execute(f"INSERT INTO {keys['fills']} BY NAME SELECT * {rows}")
        elif "staged" in keys:
            # A temporary table goes before the view of its name, in views too.
            execute(f"CREATE TEMP TABLE {name} AS SELECT * {rows}")
        else:
            table, _, columns = keys["completes"].partition(".")
            values = ", ".join(f"{column} = v.{column}" for column in columns.split(", "))
            execute(
                f"UPDATE {table} SET {values} FROM (SELECT * {rows}) AS v "
                f"WHERE {table}.{new} AND {table}.rowid = v.row_id"
            )
    _count_left_out(connection, known, new)
    staged = (f"DROP TABLE temp.{view.name}" for view in known.steps if "staged" in view.keys)
    execute(";".join(staged))


def _count_left_out(connection: duckdb.DuckDBPyConnection, known: Catalog, new: str) -> None:
    # One statement, its rows in order: what several leave half full is written anew, and the
    # blocks that held it stay free in the file.
    arms = [
        f"SELECT run_id, {text_literal(metric.name)} AS metric, reason, n FROM {view.name} "
        f"WHERE {new}"
        for metric in known.metrics
        if (view := known.left_out(metric))
    ]
    if arms:
        connection.execute(
            f"INSERT INTO metric_counts BY NAME {' UNION ALL '.join(arms)} "
            "ORDER BY metric, run_id, reason"
        )
