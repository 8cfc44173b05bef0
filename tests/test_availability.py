from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import duckdb
import pytest

from tcpdw import availability, catalog, query
from tcpdw.errors import MissingEventsError, UsageError
from tcpdw.sql_object import SqlObject
from tcpdw.warehouse import Warehouse


@pytest.fixture(scope="module")
def connection(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[duckdb.DuckDBPyConnection]:
    path = tmp_path_factory.mktemp("availability") / "w.duckdb"
    with Warehouse(path) as warehouse:
        warehouse.connection.execute(
            """
            INSERT INTO runs BY NAME SELECT n AS run_id, name, '' AS source_path, 0 AS events,
                0 AS packets, 0 AS events_discarded, 'ok' AS status, [] AS warnings
            FROM (VALUES (1, 'a'), (2, 'b'), (3, 'twin'), (4, 'twin'), (5, '1')) AS r (n, name);
            DROP VIEW event.syscall_entry_close;
            CREATE TABLE event.syscall_entry_close AS SELECT 1 AS run_id, 1 AS ts;
            DROP VIEW event.sched_waking;
            CREATE TABLE event.sched_waking AS SELECT 2 AS run_id, 1 AS ts;
            CREATE TABLE event."Odd'; --" AS SELECT 2 AS run_id;
            """
        )
    with query.opened(path) as opened:
        yield opened


def needing(requires: str) -> SqlObject:
    return replace(catalog.load().metrics[0], keys={"requires": requires})


@pytest.mark.parametrize(
    ("requires", "runs"),
    [
        ("syscall_entry_close", [1]),
        ("syscall_entry_close | sched_waking", [1, 2]),
        ("syscall_entry_close, sched_waking", []),
        ("syscall_entry_*", [1]),
        ("syscall_entry_*, no_such_class | syscall_entry_close", [1]),
        ("no_such_class", []),
        ("Odd'; --", [2]),
    ],
)
def test_a_run_supports_a_metric_with_an_event_of_each_group(
    requires: str, runs: list[int], connection: duckdb.DuckDBPyConnection
) -> None:
    metric = needing(requires)
    classes = availability.classes_of_runs(connection, [metric])
    assert availability.supporting([metric], classes) == {metric.name: runs}


def test_missing_groups_are_named(connection: duckdb.DuckDBPyConnection) -> None:
    metric = needing("sched_waking | sched_wakeup, syscall_entry_close")
    run = availability.run_named(connection, "a")
    with pytest.raises(MissingEventsError, match=r"run a lacks .*: sched_waking or sched_wakeup;"):
        availability.require(connection, metric, run)
    availability.require(connection, needing("syscall_entry_close"), run)


def test_a_run_goes_by_its_name_before_its_number(connection: duckdb.DuckDBPyConnection) -> None:
    assert availability.run_named(connection, "1").run_id == 5
    assert availability.run_named(connection, "2").name == "b"
    with pytest.raises(UsageError, match="2 runs have the name 'twin'; give a run_id: 3, 4"):
        availability.run_named(connection, "twin")
    with pytest.raises(UsageError, match="there is no run '²'"):
        availability.run_named(connection, "²")
