"""Warehouses of runs that nobody recorded, with connections whose times the test chooses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from tcpdw import query
from tcpdw.compare import By
from tcpdw.warehouse import Warehouse

RUN = ("run_id", "name", "machine", "experiment", "repetition", "kernel", "events_discarded")
RUN += ("status",)
CONNECTION = ("run_id", "syn_ts", "synack_ts", "ack_ts", "waking_ts", "in_ts", "certain")
METRIC = "syn_to_wake"
MACHINE = By(("machine",))
EPOCH = 1_700_000_000_000_000_000


@dataclass(frozen=True)
class Made:
    """A run and the stages of its connections, ns: to the SYN-ACK, the ACK and the waking.

    A connection may have a fourth number: how long the thread then waited for a cpu. `uncertain`
    holds lengths that do not count.
    """

    machine: str | None
    stages: Sequence[tuple[int, ...]]
    kernel: str = "6.1.0"
    experiment: str = "handshake"
    repetition: int | None = None
    uncertain: Sequence[int] = ()
    discarded: int = 0
    status: str = "ok"


def of_lengths(machine: str | None, lengths: Sequence[int], **others: object) -> Made:
    """Make a run whose intervals have these lengths, ns, all of it in `synack_to_ack`."""
    return Made(machine, [(0, length, 0) for length in lengths], **others)  # type: ignore[arg-type]


def warehouse(path: Path, runs: Sequence[Made]) -> Path:
    """Make a warehouse of runs, numbered from 1 in their order and named after it."""
    described: list[list[object]] = []
    connections: list[list[object]] = []
    for run_id, run in enumerate(runs, 1):
        name = f"{run.machine}-{run_id:03}"
        described.append(
            [run_id, name, run.machine, run.experiment, run.repetition or run_id, run.kernel]
        )
        described[-1] += [run.discarded, run.status]
        rows = [(stages, True) for stages in run.stages]
        rows += [((0, length, 0), False) for length in run.uncertain]
        for number, (stages, certain) in enumerate(rows):
            to_synack, to_ack, to_wake, *to_run = stages
            syn = EPOCH + run_id * 10**12 + number * 10**6
            ack = syn + to_synack + to_ack
            connections.append([run_id, syn, syn + to_synack, ack, ack + to_wake])
            connections[-1] += [ack + to_wake + to_run[0] if to_run else None, certain]
    with Warehouse(path) as opened:
        opened.connection.execute(
            f"INSERT INTO runs BY NAME SELECT {_columns(described, RUN)}, 'server' AS role, "
            "2 AS cpus, 'e1000' AS driver, '/runs' AS source_path, 1 AS events, 0 AS packets, "
            "[] AS warnings",
            [list(column) for column in zip(*described, strict=True)],
        )
        if connections:
            opened.connection.execute(
                "INSERT INTO accepted_connections BY NAME SELECT "
                f"{_columns(connections, CONNECTION)}, true AS certain_to_end, "
                "false AS wait_cleared",
                [list(column) for column in zip(*connections, strict=True)],
            )
    return path


def _columns(rows: Sequence[Sequence[object]], names: Sequence[str]) -> str:
    assert {len(row) for row in rows} == {len(names)}
    return ", ".join(f"UNNEST(${n}) AS {name}" for n, name in enumerate(names, 1))


@contextmanager
def made(tmp_path: Path, runs: Sequence[Made]) -> Iterator[duckdb.DuckDBPyConnection]:
    with query.opened(warehouse(tmp_path / "made.duckdb", runs)) as connection:
        yield connection


def spread(machine: str, middle: int, runs: int = 8, **others: object) -> list[Made]:
    """Make runs of five intervals each whose medians are `middle` and up to 7 % more."""
    return [
        of_lengths(machine, [middle * (100 + run + step) // 100 for step in range(-2, 3)], **others)
        for run in range(runs)
    ]
