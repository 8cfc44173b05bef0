"""What the commands share: the options of all, how they print, and where the warehouse is."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

if TYPE_CHECKING:
    from tcpdw.output import Format, Result

WAREHOUSE_VARIABLE = "TCPDW_WAREHOUSE"
DEFAULT_WAREHOUSE = "tcpdw.duckdb"
_FORMATS = ("table", "json", "csv", "parquet")
_WAREHOUSE, _FORMAT, _OUTPUT = "tcpdw.warehouse", "tcpdw.format", "tcpdw.output"

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Interrupted(click.ClickException):
    """Ctrl-C was pressed."""

    def __init__(self) -> None:
        super().__init__("stopped")


def _kept(key: str) -> Callable[[click.Context, click.Parameter, object], None]:
    """Make an option's callback that keeps its value for the command, before it or after it."""

    def keep(ctx: click.Context, _parameter: click.Parameter, value: object) -> None:
        if value is not None:
            ctx.meta[key] = value

    return keep


def with_warehouse(command: _Command) -> _Command:
    """Add `--warehouse`, before the command's name and after it alike."""
    return click.option(
        "--warehouse",
        metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        expose_value=False,
        callback=_kept(_WAREHOUSE),
        help="The warehouse, a DuckDB file.",
    )(command)


def with_output(command: _Command) -> _Command:
    """Add `--format` and `--output`."""
    command = click.option(
        "-o",
        "--output",
        metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        expose_value=False,
        callback=_kept(_OUTPUT),
        help="Write to a file; its ending gives the format where --format does not.",
    )(command)
    return click.option(
        "--format",
        type=click.Choice(_FORMATS),
        expose_value=False,
        callback=_kept(_FORMAT),
        help="How to write the result (default: table); durations in all but table are ns.",
    )(command)


def given_warehouse() -> Path | None:
    """Give the warehouse that the user named, by option or environment; None where not."""
    given = click.get_current_context().meta.get(_WAREHOUSE)
    if given is not None:
        return cast(Path, given)
    variable = os.environ.get(WAREHOUSE_VARIABLE)
    return Path(variable) if variable else None


def warehouse_path() -> Path:
    """Give the warehouse to use."""
    return given_warehouse() or Path(DEFAULT_WAREHOUSE)


def chosen_format() -> Format:
    """Give the format to write: as asked, else by the ending of the output file."""
    meta = click.get_current_context().meta
    if _FORMAT in meta:
        return cast("Format", meta[_FORMAT])
    path = output_path()
    ending = path.suffix.lower().removeprefix(".") if path else ""
    return ending if ending in _FORMATS else "table"


def output_path() -> Path | None:
    """Give the file to write to; None for standard output."""
    return cast("Path | None", click.get_current_context().meta.get(_OUTPUT))


def prepare_compare() -> None:
    """Import what compares, and read the catalogue: it takes as long as to open a warehouse."""
    from importlib import import_module

    from tcpdw import catalog

    # Its threads hand each other arrays, and would wait for their turn for most of 5 ms.
    sys.setswitchinterval(0.001)
    import_module("tcpdw.compare")
    catalog.load()


def is_for_people() -> bool:
    """Tell whether the result is to be read by people, on standard output."""
    return chosen_format() == "table" and output_path() is None


def show(result: Result) -> None:
    """Write a result in the chosen format, to where the user wants it."""
    from tcpdw import output

    output.write(result, chosen_format(), output_path())


def paragraph(text: str, indent: str = "") -> None:
    """Print a text that people read, wrapped; names in it may come from a trace."""
    import shutil
    import textwrap

    from tcpdw.output import clean, print_line

    width = min(shutil.get_terminal_size((100, 24)).columns, 100) if sys.stdout.isatty() else 100
    for line in textwrap.wrap(
        clean(text),
        max(width, 40),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ):
        print_line(line)


def say(text: str) -> None:
    """Print a line for people on standard error; what an error quotes is made harmless."""
    from tcpdw.output import clean

    lines = text.replace("\t", " ").splitlines() or [""]
    sys.stderr.write("\n".join(["tcpdw: " + clean(lines[0]), *map(clean, lines[1:])]) + "\n")
    sys.stderr.flush()


def heading(text: str) -> None:
    """Print a heading: bold on a terminal that has colours."""
    from tcpdw.output import clean, print_line

    is_bold = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    print_line(click.style(clean(text), bold=True) if is_bold else clean(text))
