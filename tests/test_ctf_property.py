"""Random metadata and events, encoded by a writer of the tests, read as they were written.

`TCPDW_SEEDS=FROM:TO` tries other seeds than the suite does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ctf_assembler_expect import Reading, comparable
from ctf_random_trace import Expected, RandomTrace

from tcpdw.readers import ctf_bt2, ctf_native
from tcpdw.readers.worker import Worker

FIRST, LAST = (int(word) for word in os.environ.get("TCPDW_SEEDS", "0:1200").split(":"))
BATCH = 100


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(timeout=60) as worker:
        yield worker


def check_rows(name: str, expected: Expected, reading: Reading) -> None:
    table = reading.tables.get(name)
    if table is None:
        assert not any(expected.rows.values()), f"{name} is missing"
        return
    assert dict(zip(table.column_names, table.schema.types, strict=True)) == expected.columns
    assert table.column_names == list(expected.columns)
    found: dict[int | None, list[list[object]]] = {}
    for row in table.to_pylist():
        found.setdefault(row["cpu_id"], []).append(list(row.values()))
    assert found.keys() == expected.rows.keys()
    for cpu, rows in expected.rows.items():
        for number, (row, wanted) in enumerate(zip(found[cpu], rows, strict=True)):
            for column, value, right in zip(expected.columns, row, wanted, strict=True):
                place = f"{name}, cpu {cpu}, row {number}, {column}"
                assert comparable(value) == comparable(right), place


def check_seed(seed: int, folder: Path, read: Callable[[Path], Reading], *, plain: bool) -> None:
    trace = RandomTrace(seed, plain=plain)
    path = trace.write(folder / f"seed-{seed}")
    reading = read(path)
    assert {s.stream: (s.cpu_id, s.events) for s in reading.end.streams} == trace.counts
    assert reading.end.lost == ()
    assert [w for w in reading.end.warnings if trace.clocked or "no clock" not in w] == []
    assert reading.tables.keys() <= trace.expected.keys()
    for name, expected in trace.expected.items():
        check_rows(name, expected, reading)


@pytest.mark.parametrize("first", range(FIRST, LAST, BATCH))
def test_what_was_written_is_read(first: int, tmp_path: Path) -> None:
    for seed in range(first, min(first + BATCH, LAST)):
        try:
            check_seed(seed, tmp_path, lambda p: Reading.of(ctf_native.read(p)), plain=False)
        except Exception as error:
            error.add_note(f"seed {seed}: {tmp_path}/seed-{seed}")
            raise


@pytest.mark.parametrize("threads", [1, 3])
def test_it_is_read_in_small_parts(
    threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctf_native, "PART", 500)  # bytes
    monkeypatch.setattr(ctf_native, "CHUNK", 3)  # events
    monkeypatch.setattr(ctf_native, "FEW", 7)  # rows
    for seed in range(LAST, LAST + 25):
        try:
            check_seed(
                seed,
                tmp_path,
                lambda p: Reading.of(ctf_native.read(p, threads=threads)),
                plain=False,
            )
        except Exception as error:
            error.add_note(f"seed {seed}: {tmp_path}/seed-{seed}")
            raise


def test_babeltrace2_reads_it_too(tmp_path: Path, worker: Worker) -> None:
    # The truth itself is tried: what is written is CTF as babeltrace2 knows it.
    if ctf_bt2.bt2 is None:
        pytest.skip("bt2 is not installed")

    def read(path: Path) -> Reading:
        return Reading.of_spool(worker.read_trace(path, path.with_suffix(".spool")))

    died: list[int] = []
    for seed in range(150):
        try:
            check_seed(seed, tmp_path, read, plain=True)
        except Exception as error:
            # Babeltrace 2.1 aborts on CTF packets without times, which 2.0 reads.
            if ctf_bt2.bt2.__version__ >= "2.1" and "reader process died" in str(error):
                died.append(seed)
                continue
            error.add_note(f"seed {seed}: {tmp_path}/seed-{seed}")
            raise
    assert len(died) < 50


def test_the_seeds_make_what_they_should(tmp_path: Path) -> None:
    """Seeds that all made empty traces would find nothing."""
    events, kinds, streams = 0, set[str](), 0
    for seed in range(100):
        trace = RandomTrace(seed, plain=False)
        trace.write(tmp_path / str(seed))
        streams += len(trace.counts)
        events += sum(count for _, count in trace.counts.values())
        for expected in trace.expected.values():
            if expected.rows:
                kinds |= {str(kind).partition("<")[0] for kind in expected.columns.values()}
    assert events > 1000
    assert streams > 150
    assert {*(f"{s}int{n}" for s in ("", "u") for n in (8, 16, 32, 64))} <= kinds
    assert {"float", "double", "string", "list", "struct"} <= kinds
