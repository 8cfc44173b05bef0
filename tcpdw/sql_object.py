"""One object of `sql/`: its statement, and the words that document it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tcpdw import sql_text

EVENT_COLUMNS: Mapping[str, str] = {
    "run_id": "The run.",
    "ts": "When the event happened, ns since the Unix epoch.",
    "cpu_id": "The cpu on which it happened.",
    "ctx_tid": "The thread that was current on that cpu; NULL where unknown.",
}
"""The columns that every `event.<class>` table starts with, and their sentences."""

BODY = re.compile(r"\bAS\b(?:\s+TABLE\b)?")
"""Where the statement of a view or macro ends and what it stands for begins."""


@dataclass(frozen=True, slots=True)
class Column:
    """A documented column: its name and the sentence above it."""

    name: str
    doc: str


@dataclass(frozen=True)
class SqlObject:
    """One table, view or macro of `sql/`: its statement and the words that document it.

    `keys` holds what the header says in `key: value` lines: `from`, `to`, `requires`, `stages`,
    `afterwards` for metrics, `fills` for a view whose rows fill the table of that name when runs
    are loaded, `completes` for one whose rows fill in columns once all tables are filled
    (`row_id` says where), `staged` for a view that is computed once a batch for all that read it,
    `arms` for a view that has an arm for every metric, or every stage of one: the statement in the
    file is one of them, and the key the names that stand in it for the metric's and the stage's
    (`catalog_arms`), `intervals` for a metric with the name of a view that gives the intervals with
    less work, for such arms.
    """

    name: str
    kind: str
    room: str
    path: Path
    line: int
    doc: str
    keys: Mapping[str, str]
    statement: str

    @cached_property
    def words(self) -> frozenset[str]:
        """Give every name that the statement uses, but for its own."""
        return sql_text.code_words(self.statement) - {self.name}

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Give the columns with the sentences above them."""
        if self.kind == "TABLE":
            columns = tuple(Column(*item) for item in sql_text.table_items(self.statement))
        else:
            query = BODY.search(self.statement)
            text = self.statement[query.end() :] if query else ""
            columns = tuple(Column(*item) for item in sql_text.select_items(text))
        if self.name.startswith("event."):
            return tuple(Column(c.name, c.doc or EVENT_COLUMNS.get(c.name, "")) for c in columns)
        return columns

    @property
    def query(self) -> str:
        """Give the query of a view, without the statement around it."""
        create = BODY.search(self.statement)
        assert create is not None
        return self.statement[create.end() :].strip().rstrip(";")

    @property
    def requires(self) -> tuple[tuple[str, ...], ...]:
        """Give the event classes that a metric needs: all of the groups, any class of a group."""
        text = self.keys.get("requires", "")
        return tuple(
            tuple(name.strip() for name in group.split("|"))
            for group in text.split(",")
            if group.strip()
        )

    @property
    def stages(self) -> tuple[str, ...]:
        """Give the columns that are stages of a metric's interval, and those that follow it."""
        return (*self._listed("stages"), *self.later_stages)

    @property
    def later_stages(self) -> tuple[str, ...]:
        """Give the stages that follow the interval: `certain_to_end` tells of them."""
        return self._listed("afterwards")

    def _listed(self, key: str) -> tuple[str, ...]:
        return tuple(name.strip() for name in self.keys.get(key, "").split(",") if name.strip())
