"""Recorded traces: the native reader and babeltrace2 give the same events, field by field.

Of `data/` by default one run of each experiment, machine and role, all with `TCPDW_EXHAUSTIVE=1`;
and the public traces, where they are at hand.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from ctf_assembler_expect import Reading

from tcpdw import archives
from tcpdw.readers import ctf_bt2, ctf_native

if ctf_bt2.bt2 is None:
    pytest.skip("bt2 is not installed", allow_module_level=True)

ROOT = Path(__file__).parent.parent
DATA = ROOT / "data"
TRACES = Path(os.environ.get("TCPDW_TRACES", ROOT.parent / "shared" / "traces"))
EXHAUSTIVE = os.environ.get("TCPDW_EXHAUSTIVE", "") not in ("", "0")

ARCHIVES = sorted(DATA.glob("*.tar.xz"))
ONE_OF_EACH = {re.sub(r"-\d+\.tar\.xz$", "", path.name): path for path in reversed(ARCHIVES)}
CHOSEN = ARCHIVES if EXHAUSTIVE else sorted(ONE_OF_EACH.values())
PUBLIC = sorted(TRACES.glob("*.tar.xz"))
READS_CTF_2 = not ctf_bt2.bt2.__version__.startswith("2.0")


def name_of(archive: Path) -> str:
    return archive.name.removesuffix(".tar.xz")


@contextmanager
def unpacked(archive: Path) -> Generator[Path]:
    """Unpack an archive's one CTF trace."""
    with archives.unpacked(archive) as folder:
        [metadata] = folder.rglob("metadata")
        yield metadata.parent


def canonical(table: pa.Table, by: list[str]) -> pa.Table:
    """Order rows by cpu, so that each stream's are together, in the order that they had."""
    if table.num_rows < 2:
        return table
    order = [(pc.fill_null(table[name], -1), "ascending") for name in by]
    keys = {f"k{number}": key for number, (key, _) in enumerate(order)}
    keys["row"] = pa.array(range(table.num_rows))
    indices = pc.sort_indices(pa.table(keys), sort_keys=[(key, "ascending") for key in keys])
    return table.take(indices)


def assert_equal(trace: Path) -> int:
    """Compare what both readers make of a trace; return how many events there are."""
    native, bt2 = Reading.of(ctf_native.read(trace)), Reading.of(ctf_bt2.read(trace))
    assert native.head == bt2.head
    assert Counter(native.end.streams) == Counter(bt2.end.streams)
    assert Counter(native.end.lost) == Counter(bt2.end.lost)
    assert Counter(native.end.warnings) == Counter(bt2.end.warnings)
    assert native.tables.keys() == bt2.tables.keys()
    cpus = [stream.cpu_id for stream in bt2.end.streams]
    # Two streams of one cpu are told apart by nothing: then only the order in time is theirs.
    by = ["cpu_id"] if len(set(cpus)) == len(cpus) else ["cpu_id", "ts"]
    rows = 0
    for name, wanted in bt2.tables.items():
        found = native.tables[name]
        assert found.schema.equals(wanted.schema), name
        found, wanted = canonical(found, by), canonical(wanted, by)
        for column in wanted.column_names:
            assert found[column].equals(wanted[column]), difference(name, column, found, wanted)
        rows += wanted.num_rows
    assert rows == sum(stream.events for stream in bt2.end.streams)
    return rows


def difference(name: str, column: str, found: pa.Table, wanted: pa.Table) -> str:
    """Say where a column differs first."""
    pairs = zip(found[column].to_pylist(), wanted[column].to_pylist(), strict=False)
    for row, (value, right) in enumerate(pairs):
        if repr(value) != repr(right):
            return f"{name}.{column}, row {row}: {value!r} is not {right!r}"
    return f"{name}.{column}: {found.num_rows} and {wanted.num_rows} rows, or their NULLs differ"


@pytest.mark.parametrize("archive", CHOSEN, ids=name_of)
def test_recorded_runs(archive: Path) -> None:
    with unpacked(archive) as trace:
        assert assert_equal(trace) > 1000


@pytest.mark.parametrize("archive", PUBLIC, ids=name_of)
def test_public_traces(archive: Path) -> None:
    if "ctf2" in archive.name and not READS_CTF_2:
        pytest.skip("this bt2 reads CTF 1.8 only")
    with unpacked(archive) as trace:
        assert assert_equal(trace) > 1000


def test_ctf_2_equals_the_same_run_in_ctf_1_8() -> None:
    """babeltrace2 2.1 wrote the run's events as CTF 2."""
    archive = TRACES / "kestrel-server-ctf2-001.tar.xz"
    if not archive.is_file():
        pytest.skip("the public traces are not here")
    with unpacked(archive) as trace:
        new = Reading.of(ctf_native.read(trace))
    with unpacked(DATA / "kestrel-server-handshake-001.tar.xz") as trace:
        old = Reading.of(ctf_bt2.read(trace))
    assert new.tables.keys() == old.tables.keys()
    for name, wanted in old.tables.items():
        found = canonical(new.tables[name], ["cpu_id"])
        wanted = canonical(wanted, ["cpu_id"])
        assert set(found.column_names) == set(wanted.column_names), name
        for column in wanted.column_names:
            assert found[column].equals(wanted[column]), difference(name, column, found, wanted)
