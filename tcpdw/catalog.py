"""Read `sql/` into documented objects in the order in which they can be created."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tcpdw import sql_text
from tcpdw.catalog_arms import with_arms
from tcpdw.errors import CatalogError
from tcpdw.sql_object import BODY, SqlObject

ROOMS = ("tables", "views", "steps", "metrics", "reports")
"""The folders of `sql/`, in the order in which people read them."""

STEPS = "steps"
"""The folder of what is computed when runs are loaded: a warehouse has no such views."""

_CREATE = re.compile(
    r"CREATE\s+(?:OR\s+REPLACE\s+)?(?P<kind>TABLE|VIEW|MACRO)\s+(?P<name>[\w.\"]+)", re.IGNORECASE
)
_KEY = re.compile(
    r"^(from|to|requires|stages|afterwards|fills|completes|staged|intervals|arms):\s*(.*)$"
)
LEFT_OUT = "_left_out"
_DERIVING = ("fills", "completes", "staged")


@dataclass(frozen=True)
class Catalog:
    """All objects of `sql/`, by name."""

    by_name: Mapping[str, SqlObject]

    @cached_property
    def objects(self) -> tuple[SqlObject, ...]:
        """Give all objects in an order in which each comes after what it uses.

        Raises CatalogError, naming file and line, where objects use each other in a circle.
        """
        return tuple(_ordered(self.by_name))

    @property
    def tables(self) -> tuple[SqlObject, ...]:
        """Give the tables."""
        return tuple(item for item in self.objects if item.kind == "TABLE")

    @property
    def views(self) -> tuple[SqlObject, ...]:
        """Give the views and macros that a warehouse has."""
        return tuple(item for item in self.objects if item.kind != "TABLE" and item.room != STEPS)

    def rows_of(self, step: SqlObject) -> str:
        """Give the query of a step, with those of the views of `sql/steps/` that it reads.

        A step that is staged or fills a table is not among those: it was computed before.
        """
        staged = {item.name for item in self.steps if "staged" in item.keys}
        reads = self._reads(step.name, staged) - staged
        parts = [
            f"{item.name} AS NOT MATERIALIZED ({item.query})"
            for item in self.objects
            if item.name in reads and item.room == STEPS and item.kind == "VIEW"
        ]
        return f"{'WITH ' if parts else ''}{', '.join(parts)} SELECT * FROM ({step.query})"

    @cached_property
    def metrics(self) -> tuple[SqlObject, ...]:
        """Give the metrics' views, by name."""
        found = (item for item in self.by_name.values() if _is_metric(item))
        return tuple(sorted(found, key=lambda item: item.name))

    @cached_property
    def steps(self) -> tuple[SqlObject, ...]:
        """Give what is computed when runs are loaded, each after what it reads.

        These are the views that fill tables, then those that complete them, and the staged views:
        each before the first that reads it, those that only metrics read last of all.
        """
        fills = {item.keys["fills"]: item.name for item in self.objects if "fills" in item.keys}
        staged = {item.name for item in self.objects if "staged" in item.keys}
        completes = [item.name for item in self.objects if "completes" in item.keys]
        graph: dict[str, set[str]] = {}
        waiting = list(fills.values())
        while waiting:
            name = waiting.pop()
            if name not in graph:
                reads = self._reads(name, staged)
                graph[name] = (reads & staged) | {fills[r] for r in reads if r in fills} - {name}
                waiting += graph[name]
        early = set(graph)
        for name in completes:
            graph[name] = early | (self._reads(name, staged) & staged)
        for name in staged - early:
            graph[name] = {*early, *completes} | (self._reads(name, staged) & staged)
        order = TopologicalSorter({name: sorted(graph[name]) for name in sorted(graph)})
        return tuple(self.by_name[name] for name in order.static_order())

    def _reads(self, name: str, staged: Collection[str] = ()) -> set[str]:
        """Give every object that an object uses, itself or through others that are not staged."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            for other in self.by_name[waiting.pop()].words:
                if other in self.by_name and other not in found:
                    found.add(other)
                    if other not in staged:
                        waiting.append(other)
        return found

    def left_out(self, metric: SqlObject) -> SqlObject | None:
        """Give the view that counts what a metric leaves out, where it has one."""
        return self.by_name.get(metric.name + LEFT_OUT)

    @cached_property
    def digest(self) -> str:
        """Give the digest of all statements and words."""
        text = "\0".join(
            f"{item.name}\0{item.statement}\0{item.keys.get('requires', '')}"
            for item in self.objects
        )
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @cached_property
    def rows_digest(self) -> str:
        """Give the digest of what stored rows follow from: tables, steps, and all that they read.

        Comments and blanks do not count.
        """
        names = {item.name for item in self.tables if not item.name.startswith("event.")}
        for name in (*(item.name for item in self.steps), *self._counts()):
            names |= {name, *self._reads(name)}
        texts = (
            "\0".join(
                [
                    *(f"{key} {item.keys.get(key)}" for key in _DERIVING),
                    sql_text.plain(item.statement),
                ]
            )
            for item in (self.by_name[name] for name in sorted(names))
        )
        return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]

    @cached_property
    def tables_digest(self) -> str:
        """Give the digest of the tables' columns and types, but for event classes."""
        texts = (
            f"{item.name} {sql_text.plain(item.statement)}"
            for item in sorted(self.tables, key=lambda item: item.name)
            if not item.name.startswith("event.")
        )
        return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]

    def _counts(self) -> Iterator[str]:
        return (view.name for metric in self.metrics if (view := self.left_out(metric)))


def sql_root() -> Path:
    """Give the folder of the SQL files: inside an installed package, else beside it."""
    inside = Path(__file__).parent / "sql"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "sql"


@cache
def load(root: Path | None = None) -> Catalog:
    """Read every file under `root` (the project's own `sql/` by default).

    Raises CatalogError, naming file and line, where a file creates nothing, creates what another
    creates too, or is not named after its object (metrics and reports).
    """
    root = root or sql_root()
    found: dict[str, SqlObject] = {}
    for room in ROOMS:
        for path in sorted((root / room).glob("*.sql")):
            for item in _read(path, room):
                if item.name in found:
                    raise CatalogError(
                        f"creates {item.name}, as {found[item.name].path.name} does",
                        path=path,
                        line=item.line,
                        hint="rename one of the two",
                    )
                found[item.name] = item
    metrics = [item for item in found.values() if _is_metric(item)]
    for name, item in found.items():
        if "arms" in item.keys:
            found[name] = with_arms(item, sorted(metrics, key=lambda metric: metric.name))
    return Catalog(found)


def _is_metric(item: SqlObject) -> bool:
    return item.room == "metrics" and not item.name.endswith(LEFT_OUT)


def _read(path: Path, room: str) -> Iterator[SqlObject]:
    text = path.read_text(encoding="utf-8")
    count = 0
    for offset, statement in sql_text.statements(text):
        count += 1
        item = _object(path, room, text.count("\n", 0, offset) + 1, statement)
        base = item.name.removesuffix(LEFT_OUT)
        if room != "tables" and base != path.stem:
            raise CatalogError(
                f"creates {item.name}",
                path=path,
                line=item.line,
                hint=f"a file here creates what it is named after: {path.stem}",
            )
        yield item
    if count == 0:
        raise CatalogError("creates nothing", path=path, hint="write one CREATE statement")


def _object(path: Path, room: str, line: int, statement: str) -> SqlObject:
    create = _CREATE.search(statement)
    first_code = next(
        t for t in sql_text.tokens(statement) if t.kind not in ("space", "comment", "block")
    )
    line += statement.count("\n", 0, first_code.start)
    if create is None or create.start() != first_code.start:
        raise CatalogError(
            "holds something other than CREATE TABLE, VIEW or MACRO", path=path, line=line
        )
    doc, keys = _header(statement[: first_code.start])
    kind = create["kind"].upper()
    name = create["name"].replace('"', "")
    code = statement[first_code.start :]
    if kind != "TABLE" and not BODY.search(code):
        raise CatalogError(f"{name} has no AS", path=path, line=line)
    return SqlObject(name, kind, room, path, line, doc, keys, code.strip())


def _header(text: str) -> tuple[str, dict[str, str]]:
    prose: list[str] = []
    keys: dict[str, str] = {}
    key = ""
    for line in text.splitlines():
        words = line.strip().removeprefix("--").strip()
        match = _KEY.match(words)
        if match:
            key = match[1]
            keys[key] = match[2]
        elif key and words:
            keys[key] += " " + words
        elif words:
            prose.append(words)
    return " ".join(prose), keys


def _ordered(found: Mapping[str, SqlObject]) -> Iterator[SqlObject]:
    graph = {
        name: sorted(other for other in item.words if other in found and other != name)
        for name, item in found.items()
    }
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        first = found[error.args[1][0]]
        raise CatalogError(
            f"objects use each other in a circle: {circle}", path=first.path, line=first.line
        ) from None
    return (found[name] for name in order)


def problems(
    catalog: Catalog,
    describe: Callable[[str], Iterable[str]],
    known_metrics: Iterable[str],
) -> list[str]:
    """List what is not documented as the house asks, one line each, naming file and line.

    `describe` gives an object's true columns; `known_metrics` the names that METRICS.md defines.
    """
    known = set(known_metrics)
    found: list[str] = []

    def say(item: SqlObject, text: str) -> None:
        found.append(f"{item.path.name}:{item.line}: {item.name} {text}")

    for item in catalog.objects:
        if not item.doc.endswith("."):
            say(item, "has no sentence above it")
        documented = {column.name: column.doc for column in item.columns}
        if item.kind != "MACRO":
            actual = list(describe(item.name))
            for name in actual:
                if name not in documented:
                    say(item, f"has a column {name} that the file does not name")
            for name in documented:
                if name not in actual:
                    say(item, f"documents a column {name} that is not there")
        for name, doc in documented.items():
            if not doc.endswith("."):
                say(item, f"has no sentence above its column {name}")
    for metric in catalog.metrics:
        if metric.name not in known:
            say(metric, "is no metric of METRICS.md")
        for key in ("from", "to", "requires"):
            if not metric.keys.get(key):
                say(metric, f"does not say `{key}:`")
        columns = {column.name for column in metric.columns}
        ends = ("certain_to_end",) if metric.later_stages else ()
        for name in ("run_id", "ts", "dur", "certain", *metric.stages, *ends):
            if name not in columns:
                say(metric, f"has no column {name}")
    return found


def defined_metrics(path: Path | None = None) -> tuple[str, ...]:
    """List the metrics that METRICS.md defines: the first cells of its tables."""
    text = (path or sql_root() / "METRICS.md").read_text(encoding="utf-8")
    return tuple(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
