from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import view_case

import tcpdw
from tcpdw import catalog
from tcpdw.errors import CatalogError
from tcpdw.sql_object import Column

TABLE = """-- Numbers.
CREATE TABLE t (
    -- The run.
    run_id INTEGER,
    -- One.
    a BIGINT
);
"""
METRIC = """-- How long.
-- from: x
-- to: y
-- requires: x | z, y
-- stages: first
CREATE VIEW m AS
SELECT
    -- The run.
    run_id,
    -- Its start.
    a AS ts,
    -- Its length.
    a AS dur,
    -- Whether.
    true AS certain,
    -- Its first part.
    a AS first
FROM t;
"""
LEFT_OUT = """
-- What is left out.
CREATE VIEW m_left_out AS
SELECT
    -- The run.
    run_id,
    -- Why.
    'r' AS reason,
    -- How many.
    a AS n
FROM t;
"""
VIEW = """-- A view.
CREATE VIEW v AS
SELECT
    -- One.
    a
FROM t;
"""


def made(root: Path, **files: str) -> catalog.Catalog:
    """Read a tree of files given as `room__name`."""
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return catalog.load(root)


def problems(known: catalog.Catalog) -> list[str]:
    """Create everything and check it, `m` being the one metric that is defined."""
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA event")
        for item in known.objects:
            connection.execute(item.statement)

        def describe(name: str) -> list[str]:
            return [row[0] for row in connection.execute(f"DESCRIBE {name}").fetchall()]

        return catalog.problems(known, describe, ["m"])


def test_the_sql_is_documented() -> None:
    with tcpdw.connect(view_case.template()) as connection:
        # As the database was made: to describe a view anew takes seconds where views lie deep.
        columns: dict[str, list[str]] = {}
        for schema, name, column in connection.execute(
            "SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE NOT internal "
            "ORDER BY ALL"
        ).fetchall():
            columns.setdefault(name if schema == "main" else f"{schema}.{name}", []).append(column)
        # What loading alone computes, each upon empty ones of those before it.
        for item in catalog.load().objects:
            if item.room == catalog.STEPS:
                query = f"CREATE TEMP TABLE {item.name} AS SELECT * FROM ({item.query}) LIMIT 0"
                connection.execute(query)
                made = connection.execute(f"DESCRIBE temp.{item.name}").fetchall()
                columns[item.name] = [row[0] for row in made]
    found = catalog.problems(catalog.load(), columns.__getitem__, catalog.defined_metrics())
    assert found == []


def test_the_database_has_the_words() -> None:
    query = (
        "SELECT comment FROM duckdb_tables() WHERE NOT internal UNION ALL "
        "SELECT comment FROM duckdb_views() WHERE NOT internal UNION ALL "
        "SELECT comment FROM duckdb_columns() WHERE NOT internal"
    )
    with tcpdw.connect(view_case.template()) as connection:
        comments = [row[0] for row in connection.execute(query).fetchall()]
    assert len(comments) > 300
    assert [text for text in comments if not text or not text.endswith(".")] == []


def test_each_metric_is_a_file_that_counts_what_it_leaves_out() -> None:
    known = catalog.load()
    names = [metric.name for metric in known.metrics]
    assert names == sorted(p.stem for p in (catalog.sql_root() / "metrics").glob("*.sql"))
    assert set(names) <= set(catalog.defined_metrics())
    assert len(names) >= 9
    for metric in known.metrics:
        left_out = known.left_out(metric)
        assert left_out is not None, metric.name
        assert [column.name for column in left_out.columns] == ["run_id", "reason", "n"]


def test_every_event_of_a_metric_has_a_table() -> None:
    known = catalog.load()
    classes = {name for metric in known.metrics for group in metric.requires for name in group}
    missing = {name for name in classes if "*" not in name and f"event.{name}" not in known.by_name}
    assert missing == set()


def test_objects_come_after_what_they_use(tmp_path: Path) -> None:
    known = made(tmp_path, views__v=VIEW, tables__t=TABLE, metrics__m=METRIC + LEFT_OUT)
    assert known.objects[0].name == "t"
    assert {item.name for item in known.objects} == {"t", "v", "m", "m_left_out"}
    assert problems(known) == []
    assert [item.name for item in known.metrics] == ["m"]
    metric = known.metrics[0]
    assert metric.requires == (("x", "z"), ("y",))
    assert metric.stages == ("first",)
    assert (metric.doc, metric.keys["from"]) == ("How long.", "x")
    assert known.left_out(metric) is known.by_name["m_left_out"]
    assert known.left_out(known.by_name["v"]) is None
    assert known.by_name["t"].columns == (
        Column("run_id", "The run."),
        Column("a", "One."),
    )


ARMS = """-- All.
-- arms: a_metric
CREATE VIEW every AS
SELECT
    -- Which.
    'a_metric' AS metric,
    -- The start.
    ts
FROM a_metric
WHERE ts > 0;
"""


def test_a_view_with_an_arm_for_every_metric(tmp_path: Path) -> None:
    other = METRIC.replace("VIEW m AS", "VIEW n AS").replace("-- stages: first", "-- intervals: v")
    view = VIEW.replace("    a\n", "    a AS ts\n")
    known = made(
        tmp_path,
        tables__t=TABLE,
        metrics__m=METRIC,
        metrics__n=other,
        views__v=view,
        views__every=ARMS,
    )
    names = [item.name for item in known.objects]
    assert max(names.index("m"), names.index("v")) < names.index("every")
    assert [column.name for column in known.by_name["every"].columns] == ["metric", "ts"]
    with duckdb.connect() as connection:
        for item in known.objects:
            connection.execute(item.statement)
        connection.execute("INSERT INTO t VALUES (1, 7), (1, -7)")
        rows = connection.execute("FROM every ORDER BY metric").fetchall()
        assert rows == [("m", 7), ("n", 7)]
        [(plan,)] = connection.execute(
            "SELECT sql FROM duckdb_views() WHERE view_name = 'every'"
        ).fetchall()
    assert "FROM m " in plan
    assert "FROM v " in plan
    assert "FROM n " not in plan


STAGE_ARMS = """-- All.
-- arms: a_metric, a_stage, is_certain
CREATE VIEW every AS
SELECT
    -- Which.
    'a_metric' AS metric,
    -- Which part.
    'a_stage' AS stage,
    -- How long.
    a_stage AS dur,
    -- Whether sure.
    is_certain AS certain
FROM a_metric;
"""


def test_a_view_with_an_arm_for_every_stage(tmp_path: Path) -> None:
    metric = (
        "-- How long.\n-- from: x\n-- to: y\n-- requires: x\n-- stages: one\n"
        "-- afterwards: two\nCREATE VIEW m AS SELECT 1 AS run_id, 5 AS one, 6 AS two,\n"
        "true AS certain, false AS certain_to_end;\n"
    )
    known = made(tmp_path, metrics__m=metric, views__every=STAGE_ARMS)
    with duckdb.connect() as connection:
        for item in known.objects:
            connection.execute(item.statement)
        rows = connection.execute("FROM every ORDER BY stage").fetchall()
    assert rows == [("m", "one", 5, True), ("m", "two", 6, False)]


def test_what_fills_a_table_comes_after_what_fills_those_it_reads(tmp_path: Path) -> None:
    table = "-- Of it.\nCREATE TABLE {0} (\n    -- One.\n    a INTEGER\n);\n"
    view = (
        "-- Of it.\n-- fills: {0}\nCREATE VIEW {0}_rows AS SELECT\n    -- One.\n    a FROM {1};\n"
    )
    known = made(
        tmp_path,
        tables__p=table.format("p"),
        tables__q=table.format("q"),
        tables__r=table.format("r"),
        views__p_rows=view.format("p", "between"),
        views__between="-- It.\nCREATE VIEW between AS SELECT\n    -- One.\n    a FROM q;\n",
        views__q_rows=view.format("q", "r"),
    )
    assert [item.name for item in known.steps] == ["q_rows", "p_rows"]


def test_event_columns_have_their_sentences(tmp_path: Path) -> None:
    text = "-- A class.\nCREATE TABLE event.x (run_id INTEGER, ts BIGINT, vec INTEGER);\n"
    assert problems(made(tmp_path, tables__event_x=text)) == [
        "event_x.sql:2: event.x has no sentence above its column vec"
    ]


def test_the_digest_follows_the_statements(tmp_path: Path) -> None:
    first = made(tmp_path / "one", tables__t=TABLE)
    second = made(tmp_path / "two", tables__t=TABLE.replace("BIGINT", "INTEGER"))
    assert first.digest != second.digest


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("-- Numbers.\n", "", "t.sql:1: t has no sentence above it"),
        ("-- Numbers.", "-- Numbers", "t.sql:2: t has no sentence above it"),
        ("    -- One.\n", "", "t.sql:2: t has no sentence above its column a"),
        ("-- One.", "-- One", "t.sql:2: t has no sentence above its column a"),
    ],
)
def test_problems_of_a_table(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in TABLE
    assert problems(made(tmp_path, tables__t=TABLE.replace(old, new))) == [problem]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("-- from: x\n", "", ["does not say `from:`"]),
        ("-- to: y\n", "", ["does not say `to:`"]),
        ("-- requires: x | z, y\n", "", ["does not say `requires:`"]),
        ("stages: first", "stages: first, second", ["has no column second"]),
        ("true AS certain", "true AS sure", ["has no column certain"]),
        ("    -- Its length.\n", "", ["has no sentence above its column dur"]),
    ],
)
def test_problems_of_a_metric(tmp_path: Path, old: str, new: str, found: list[str]) -> None:
    assert old in METRIC
    known = made(tmp_path, tables__t=TABLE, metrics__m=METRIC.replace(old, new))
    line = METRIC.replace(old, new).split("CREATE")[0].count("\n") + 1
    assert problems(known) == [f"m.sql:{line}: m {text}" for text in found]


def test_a_metric_that_nobody_defined(tmp_path: Path) -> None:
    text = METRIC.replace("VIEW m ", "VIEW mine ")
    assert problems(made(tmp_path, tables__t=TABLE, metrics__mine=text)) == [
        "mine.sql:6: mine is no metric of METRICS.md"
    ]


def test_columns_that_are_not_as_documented(tmp_path: Path) -> None:
    known = made(tmp_path, tables__t=TABLE, views__v=VIEW)
    assert catalog.problems(known, lambda name: ["run_id", "a", "b"], []) == [
        "t.sql:2: t has a column b that the file does not name",
        "v.sql:2: v has a column run_id that the file does not name",
        "v.sql:2: v has a column b that the file does not name",
    ]
    assert catalog.problems(known, lambda name: ["a"], []) == [
        "t.sql:2: t documents a column run_id that is not there"
    ]


def test_a_star_does_not_document(tmp_path: Path) -> None:
    known = made(tmp_path, tables__t=TABLE, views__v="-- All.\nCREATE VIEW v AS SELECT * FROM t;\n")
    assert "v.sql:2: v has a column a that the file does not name" in problems(known)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"views__v": "-- Nothing here.\n"}, "v.sql: creates nothing; write one CREATE statement"),
        ({"views__w": VIEW}, "w.sql:2: creates v; a file here creates what it is named after: w"),
        (
            {"tables__t": TABLE, "tables__u": TABLE},
            "u.sql:2: creates t, as t.sql does; rename one of the two",
        ),
        (
            {"views__v": VIEW + "-- Rows.\nINSERT INTO v VALUES (1);\n"},
            "v.sql:8: holds something other than CREATE TABLE, VIEW or MACRO",
        ),
        (
            {"views__v": "-- A.\n\nSELECT 'CREATE VIEW v AS SELECT 1'"},
            "v.sql:3: holds something other than CREATE TABLE, VIEW or MACRO",
        ),
        ({"views__v": "-- A.\nCREATE VIEW v\n"}, "v.sql:2: v has no AS"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(CatalogError) as caught:
        made(tmp_path, **files)
    assert str(caught.value).endswith(f"/{message}")


def test_a_circle(tmp_path: Path) -> None:
    one, other = VIEW.replace("FROM t", "FROM w"), VIEW.replace("VIEW v", "VIEW w")
    with pytest.raises(CatalogError, match="objects use each other in a circle: ") as caught:
        _ = made(tmp_path, views__v=one, views__w=other.replace("FROM t", "FROM v")).objects
    assert set(str(caught.value).rpartition("circle: ")[2].split(" -> ")) == {"v", "w"}
    assert caught.value.path in {str(tmp_path / f"views/{name}.sql") for name in "vw"}
    assert caught.value.line == 2


def test_defined_metrics(tmp_path: Path) -> None:
    path = tmp_path / "METRICS.md"
    path.write_text("`no_cell`\n| metric | from |\n|---|---|\n| `a` | x |\n| `b_c` | y |\n")
    assert catalog.defined_metrics(path) == ("a", "b_c")
