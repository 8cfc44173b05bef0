"""Cases of the SQL as text files: a few events to read by eye, queries, and what each must give.

A case file is comments (`#`), then inputs, then blocks that `---` opens: `query: SQL` (it may go on
over lines that begin with two blanks) and the expected CSV. `run_id = N` in it is the case's own
run N, whatever number that has in a warehouse that holds other cases too. Inputs, one a line:

    run 1                                       what follows is of this run; runs count from 1
      100 cpu0 tid7 CLASS key=value ...         an event: time in ns, cpu, current thread, fields
      lost cpu0 400 500 events=7                a window in which the tracer lost events
      packet 100 A:p>B:q SA key=value ...       a captured packet
      resolution 1000                           the step of the capture's times, ns; 1 by default
      proc_tcp 100 A:p>B:q state=... inode=...  a line of a snapshot's `/proc/net/tcp`
      proc_fd 100 pid=7 fd=3 target=...         a line of a snapshot's `/proc/PID/fd`

`cpu?` and `tid?` stand for unknown ones. In an event, `A:p>B:q S` fills saddr, sport, daddr, dport
and tcp_flags (letters F S R P A); `x:7:1>y:0` in `sched_switch` fills prev_comm, prev_tid,
prev_state, next_comm and next_tid. Columns that a line leaves out are NULL. Values are typed by the
table's columns, `[1,2]` is a list (of a list's structures the first field); in a class that `sql/`
has no table for, whole numbers are BIGINT, all else text.

To see what the queries of cases give now: `python tests/view_case.py FILE...`.
"""

from __future__ import annotations

import atexit
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tcpdw
from tcpdw import catalog
from tcpdw.readers import LostWindow, packets, peer_address, proc
from tcpdw.rundata import RunData
from tcpdw.runs import Identity
from tcpdw.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

FOLDER = Path(__file__).parent / "cases/views"
_FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16}
_ENDS = re.compile(r"(\S+):(\d+)>(\S+):(\d+)")
_SWITCH = re.compile(r"(.+):(\d+):(\d+)>(.+):(\d+)")
_RUN = re.compile(r"\brun_id = (\d+)")

Row = dict[str, Any]


class CaseError(Exception):
    """A case file cannot be read; the message names file and line."""


@dataclass(frozen=True, slots=True)
class Check:
    """One query, the line it stands on, and the CSV that it must give."""

    line: int
    query: str
    expected: str


@dataclass(slots=True)
class RunText:
    """What a case says of one run; `lines` tells where each class was first named."""

    events: dict[str, list[Row]] = field(default_factory=dict[str, list[Row]])
    lines: dict[str, str] = field(default_factory=dict[str, str])
    lost: list[LostWindow] = field(default_factory=list[LostWindow])
    packets: list[Row] = field(default_factory=list[Row])
    resolution: int = 1
    tcp: dict[int, list[Row]] = field(default_factory=dict[int, list[Row]])
    fds: dict[int, list[Row]] = field(default_factory=dict[int, list[Row]])


@dataclass(frozen=True, slots=True)
class Case:
    """One file: its runs in order, and what must be seen of them."""

    path: Path
    runs: tuple[RunText, ...]
    checks: tuple[Check, ...]


def read(path: Path) -> Case:
    """Read a case file; raises CaseError, naming file and line, where a line makes no sense."""
    runs: list[RunText] = []
    checks: list[Check] = []
    lines = path.read_text(encoding="utf-8").splitlines()
    start = next((i for i, line in enumerate(lines) if line == "---"), len(lines))
    for number, line in enumerate(lines[:start], start=1):
        text = line.partition("#")[0].strip()
        try:
            if text.startswith("run "):
                if text != f"run {len(runs) + 1}":
                    raise CaseError("runs count from 1")
                runs.append(RunText())
            elif text:
                if not runs:
                    raise CaseError("no run yet")
                _add(runs[-1], text, f"{path}:{number}")
        except (CaseError, ValueError, KeyError) as error:
            raise CaseError(f"{path}:{number}: {text}: {error}") from error
    block: list[tuple[int, str]] = []
    rest = [*enumerate(lines[start + 1 :], start=start + 2), (len(lines) + 1, "---")]
    for number, line in rest if start < len(lines) else []:
        if line != "---":
            block.append((number, line))
            continue
        checks.append(_check(path, block))
        block = []
    return Case(path, tuple(runs), tuple(checks))


def _check(path: Path, block: Sequence[tuple[int, str]]) -> Check:
    kept = [(number, line) for number, line in block if line.strip()]
    if not kept or not kept[0][1].startswith("query:"):
        raise CaseError(f"{path}:{block[0][0] if block else 0}: a block opens with `query:`")
    query = [kept[0][1].removeprefix("query:").strip()]
    rest = kept[1:]
    while rest and rest[0][1].startswith("  "):
        query.append(rest.pop(0)[1].strip())
    if not _RUN.search(" ".join(query)):
        raise CaseError(f"{path}:{kept[0][0]}: a query says `run_id = N`")
    return Check(kept[0][0], " ".join(query), "".join(f"{line.rstrip()}\n" for _, line in rest))


def _add(run: RunText, text: str, place: str) -> None:
    word, *words = shlex.split(text)
    if word == "lost":
        cpu, start, end, *rest = words
        values = _pairs(rest)
        run.lost.append(
            LostWindow(_number("cpu", cpu), int(start), int(end), int(values.get("events", 1)))
        )
    elif word == "packet":
        ts, *rest = words
        values = _spread(rest, "flags")
        row = {"ts": int(ts), "frame": len(run.packets) + 1, "captured_len": 60}
        run.packets.append({**row, **values})
    elif word == "resolution":
        run.resolution = int(words[0])
    elif word in ("proc_tcp", "proc_fd"):
        ts, *rest = words
        rows = run.tcp if word == "proc_tcp" else run.fds
        rows.setdefault(int(ts), []).append(_spread(rest, "flags"))
    else:
        cpu, tid, name, *rest = words
        run.lines.setdefault(name, place)
        spread = _switched if name == "sched_switch" else _spread
        row = {"ts": int(word), "cpu_id": _number("cpu", cpu), "ctx_tid": _number("tid", tid)}
        run.events.setdefault(name, []).append({**row, **spread(rest, "tcp_flags")})


def _number(kind: str, text: str) -> int | None:
    if not text.startswith(kind):
        raise CaseError(f"expected {kind}N, not {text}")
    number = text.removeprefix(kind)
    return None if number == "?" else int(number)


def _pairs(words: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise CaseError(f"expected key=value, not {word}")
        found[key] = value
    return found


def _spread(words: Sequence[str], flags: str) -> Row:
    if not words or not (ends := _ENDS.fullmatch(words[0])):
        return dict(_pairs(words))
    row: Row = dict(zip(("saddr", "sport", "daddr", "dport"), ends.groups(), strict=True))
    rest = list(words[1:])
    if rest and "=" not in rest[0]:
        row[flags] = str(sum(_FLAGS[letter] for letter in rest.pop(0)))
    return {**row, **_pairs(rest)}


def _switched(words: Sequence[str], _: str) -> Row:
    names = ("prev_comm", "prev_tid", "prev_state", "next_comm", "next_tid")
    match = _SWITCH.fullmatch(words[0])
    if match is None:
        raise CaseError(f"expected comm:tid:state>comm:tid, not {words[0]}")
    return {**dict(zip(names, match.groups(), strict=True)), **_pairs(words[1:])}


def shifted(case: Case, by: int) -> Case:
    """Give the case with all its times later by `by` ns."""

    def later(rows: Iterable[Row]) -> list[Row]:
        return [{**row, "ts": row["ts"] + by} for row in rows]

    runs = tuple(
        RunText(
            {name: later(rows) for name, rows in run.events.items()},
            run.lines,
            [LostWindow(w.cpu_id, w.start_ts + by, w.end_ts + by, w.events) for w in run.lost],
            later(run.packets),
            run.resolution,
            {ts + by: rows for ts, rows in run.tcp.items()},
            {ts + by: rows for ts, rows in run.fds.items()},
        )
        for run in case.runs
    )
    return Case(case.path, runs, case.checks)


@cache
def template() -> Path:
    """Make an empty warehouse once, to be copied: that is quicker than to create its views."""
    folder = Path(tempfile.mkdtemp(prefix="tcpdw-views-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Warehouse(folder / "empty.duckdb").connection.close()
    return folder / "empty.duckdb"


@cache
def event_schemas() -> Mapping[str, pa.Schema]:
    """Give the Arrow schema of every event class that `sql/tables` names, without `run_id`."""

    with tcpdw.connect(template()) as opened, opened.cursor() as connection:
        return {
            item.name.removeprefix("event."): connection.sql(
                f"SELECT * EXCLUDE (run_id) FROM {item.name} LIMIT 0"
            )
            .to_arrow_table()
            .schema
            for item in catalog.load().tables
            if item.name.startswith("event.")
        }


def run_data(case: Case, number: int) -> RunData:
    """Shape a run of a case as the readers leave it to the loader."""
    run = case.runs[number]
    classes = {
        name: peer_address.spelled(_table(name, rows, run.lines[name]))
        for name, rows in run.events.items()
    }
    return RunData(
        name=f"{case.path.stem}-{number + 1}",
        source_path=case.path,
        source_hash=None,
        content_hash=f"{case.path.stem}-{number + 1}",
        identity=Identity(machine="m", experiment="case", repetition=number + 1),
        classes=classes,
        lost=tuple(run.lost),
        packets=_typed(run.packets, packets.PACKET_SCHEMA) if run.packets else None,
        capture_resolution=run.resolution,
        snapshots=tuple(_snapshots(run)),
    )


def _table(name: str, rows: Sequence[Row], place: str) -> pa.Table:
    import pyarrow as pa

    schema = event_schemas().get(name)
    if schema is None:
        keys = dict.fromkeys(key for row in rows for key in row)
        fields = [
            pa.field(
                key,
                pa.int64()
                if all(re.fullmatch(r"-?\d+", str(row[key])) for row in rows if key in row)
                else pa.string(),
            )
            for key in keys
        ]
        schema = pa.schema(fields)
        for i, (key, kind) in enumerate(
            {"ts": pa.int64(), "cpu_id": pa.int32(), "ctx_tid": pa.int32()}.items()
        ):
            schema = schema.set(i, pa.field(key, kind))
    elif "addr" in schema.names and not any("addr" in row for row in rows):
        schema = schema.remove(schema.get_field_index("addr"))
    for row in rows:
        if unknown := set(row) - set(schema.names):
            raise CaseError(f"{place}: {name} has no {', '.join(sorted(unknown))}")
    return _typed(rows, schema)


def _typed(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    ordered = sorted(rows, key=lambda row: row["ts"])
    columns = [
        pa.array([_value(row.get(item.name), item.type) for row in ordered], item.type)
        for item in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _value(value: Any, kind: pa.DataType) -> Any:
    import pyarrow as pa

    if not isinstance(value, str) or pa.types.is_string(kind):
        return value
    if pa.types.is_list(kind):
        parts = [int(part, 0) for part in value.strip("[]").split(",") if part]
        if pa.types.is_struct(kind.value_type):
            return [{kind.value_type.field(0).name: part} for part in parts]
        return parts
    if pa.types.is_boolean(kind):
        return value == "true"
    return int(value, 0)


def _snapshots(run: RunText) -> Iterator[proc.Snapshot]:
    import pyarrow as pa

    def frame(rows: Sequence[Row], kinds: Mapping[str, str]) -> pa.Table:
        schema = pa.schema([(name, getattr(pa, kind)()) for name, kind in kinds.items()])
        columns = [
            pa.array([_value(row.get(item.name), item.type) for row in rows], item.type)
            for item in schema
        ]
        return pa.Table.from_arrays(columns, schema=schema)

    for ts in sorted({*run.tcp, *run.fds}):
        tcp = [{"family": "ipv4", **row} for row in run.tcp.get(ts, ())]
        fds = [_fd(row) for row in run.fds.get(ts, ())]
        yield proc.Snapshot(
            f"at-{ts}",
            ts,
            frame(tcp, proc.TCP_SCHEMA),
            frame(fds, proc.FDS_SCHEMA),
            frame([], proc.PROCESSES_SCHEMA),
        )


def _fd(row: Row) -> Row:
    """Add what the `/proc` reader makes of the target."""
    match = re.fullmatch(r"(socket|pipe):\[(\d+)\]", row["target"])
    if match:
        return {**row, "kind": match[1], "inode": match[2]}
    kind = "anon_inode" if row["target"].startswith("anon_inode:") else "path"
    return {**row, "kind": kind}


def load(
    cases: Sequence[Case], folder: Path, *, one_by_one: bool = False
) -> tuple[duckdb.DuckDBPyConnection, Mapping[Path, int]]:
    """Load the runs of cases into a new warehouse in `folder`, in one batch or `one_by_one`.

    Gives a connection, and for each case the number that comes before its first run's.
    """
    path = folder / f"{len(list(folder.iterdir()))}.duckdb"
    shutil.copy(template(), path)
    before: dict[Path, int] = {}
    batch: list[RunData] = []
    for case in cases:
        before[case.path] = len(batch)
        batch += [run_data(case, number) for number in range(len(case.runs))]
    warehouse = Warehouse(path)
    # So few rows are quickest with one thread.
    warehouse.connection.execute("SET threads = 1")
    for part in [[run] for run in batch] if one_by_one else [batch]:
        warehouse.load(part)
    return warehouse.connection, before


def result(connection: duckdb.DuckDBPyConnection, query: str, before: int = 0) -> str:
    """Run a case's query and give the result as CSV; NULL is empty, an empty text is `""`.

    `before` is how many runs the warehouse has before the case's own.
    """
    query = _RUN.sub(lambda match: f"run_id = {int(match[1]) + before}", query)
    cursor = connection.execute(query)
    lines = [[str(column[0]) for column in cursor.description or ()]]
    lines += [[_cell(value) for value in row] for row in cursor.fetchall()]
    return "".join(",".join(line) + "\n" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ",".join(_cell(item) for item in value) + "]"
    text = str(value)
    return f'"{text}"' if text == "" or "," in text else text


def main(paths: Sequence[str]) -> None:
    """Print each case's queries with what they give now."""
    with tempfile.TemporaryDirectory() as folder:
        for name in paths:
            case = read(Path(name))
            connection, _ = load([case], Path(folder))
            for check in case.checks:
                text = result(connection, check.query)
                mark = "" if text == check.expected else "  # not as the file says"
                sys.stdout.write(f"{case.path}:{check.line}:{mark}\n{check.query}\n{text}---\n")
            connection.close()


if __name__ == "__main__":
    main(sys.argv[1:])
