"""`tcpdw sql`: ad hoc queries."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tcpdw.cli import shared
from tcpdw.errors import UsageError

if TYPE_CHECKING:
    from tcpdw.output import Result


@click.command()
@shared.with_warehouse
@shared.with_output
@click.option(
    "-f",
    "--file",
    "path",
    metavar="FILE",
    help="Read the SQL from a file; `-` is standard input.",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
)
@click.option(
    "--unsafe",
    is_flag=True,
    help="Let the SQL read and write other files, attach databases and load extensions.",
)
@click.argument("query", metavar="[SQL]", required=False)
def sql(query: str | None, path: Path | None, unsafe: bool) -> None:
    """Run SQL on the warehouse: the argument, a file, or standard input.

    Nothing in it can change the warehouse, nor, unless --unsafe, read or write any other file. Of
    several queries the table format shows every result, the other formats the last one.
    """
    from tcpdw import query as queries
    from tcpdw.output import print_line

    text = _text(query, path)
    with queries.opened(shared.warehouse_path(), unsafe=unsafe) as connection:
        form = shared.chosen_format()
        if shared.is_for_people():
            for number, result in enumerate(queries.statements(connection, text)):
                if number:
                    print_line()
                _show_for_people(result)
            return
        count = queries.count(connection, text)
        is_arrow = form == "parquet"
        for number, result in enumerate(queries.statements(connection, text, arrow=is_arrow), 1):
            if number == count:
                shared.show(result)
        if count == 0 and (form == "parquet" or shared.output_path() is not None):
            raise UsageError("the SQL has no result to write", hint="end it with a query")


def _show_for_people(result: Result) -> None:
    from tcpdw.output import clean, print_line

    if result.columns != ("explain_key", "explain_value"):
        shared.show(result)
        return
    # A plan is a drawing of several lines.
    for row in result.rows:
        for line in str(row[1]).splitlines():
            print_line(clean(line))


def _text(query: str | None, path: Path | None) -> str:
    from tcpdw.query import NO_SQL_HINT

    if query is not None and path is not None:
        raise UsageError("SQL was given twice", hint="give the argument or -f FILE")
    if query is not None and query != "-":
        return query
    if path is None and query is None and sys.stdin.isatty():
        raise UsageError("there is no SQL to run", hint=NO_SQL_HINT)
    file = path if path is not None and str(path) != "-" else None
    try:
        return sys.stdin.read() if file is None else file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(
            f"the SQL cannot be read: {reason}",
            path=file or "standard input",
            hint="give a file of SQL",
        ) from error
