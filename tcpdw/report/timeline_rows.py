"""Rows of the warehouse for the timeline's data classes, whose fields say the types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tcpdw import query

if TYPE_CHECKING:
    import duckdb


def rows(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    values: Sequence[object] | Mapping[str, object],
) -> list[tuple[Any, ...]]:
    """Run a query and give all of its rows."""
    return [tuple(row) for row in query.execute(connection, text, values).rows]
