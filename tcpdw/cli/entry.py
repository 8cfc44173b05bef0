"""The entry point: every error becomes one line and an exit status, never a traceback."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import click

from tcpdw.cli import (
    compare,
    demo,
    export,
    fd,
    gate,
    ingest,
    inspect,
    metrics,
    plot,
    record,
    report,
    serve,
    sql,
    steps,
    summary,
    timeline,
    upgrade,
)
from tcpdw.cli.shared import WAREHOUSE_VARIABLE, Interrupted, say, with_output, with_warehouse
from tcpdw.errors import TcpdwError, UsageError

DEBUG_VARIABLE = "TCPDW_DEBUG"
FAILED, USAGE, STOPPED = 1, 2, 130


class _App(click.Group):
    failed = FAILED
    """What the command that runs exits with when something goes wrong."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        self.failed = gate.FAILED if command is gate.gate else FAILED
        return name, command, rest

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            # click itself would print an empty line, and raise what says less.
            raise Interrupted from None


def _version(ctx: click.Context, _parameter: click.Parameter, is_asked: bool) -> None:
    if not is_asked or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("tcpdw")
    except PackageNotFoundError:
        number = "(not installed)"
    click.echo(f"tcpdw {number}")
    ctx.exit()


@click.group(
    cls=_App,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"The warehouse is a DuckDB file: --warehouse, else {WAREHOUSE_VARIABLE}, else "
    f"./tcpdw.duckdb. {DEBUG_VARIABLE}=1 shows where an error comes from.",
)
@with_warehouse
@with_output
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and exit.",
)
def app() -> None:
    """Ask in SQL what the Linux kernel does between a TCP segment and the process that waits."""


for _command in (
    ingest.ingest,
    inspect.runs,
    inspect.tables,
    metrics.metrics,
    serve.serve,
    sql.sql,
    steps.steps,
    timeline.timeline,
    summary.summary,
    compare.compare,
    gate.gate,
    report.report,
    plot.plot,
    fd.fd,
    export.export,
    upgrade.upgrade,
    record.record,
    demo.demo,
):
    app.add_command(_command)


def main() -> None:
    """Run the command line and exit: 0, 1 for a failure, 2 for wrong usage, 130 for Ctrl-C.

    `tcpdw gate` has its own.
    """
    # numpy's linear algebra would start a thread a core, which spin for a while: none is done here.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Imports leave many objects and hardly a cycle: to look through them takes time for nothing.
    gc.set_threshold(100_000)
    # Started with standard output or error closed, Python has None there.
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal of another encoding than UTF-8 gets escapes, not an error.
            stream.reconfigure(errors="backslashreplace")
    status = run(sys.argv[1:])
    if status == STOPPED:
        # All is cleaned up; who presses Ctrl-C again does not want to wait for threads.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        sys.stdout.flush()
    except OSError:
        _silence()
        status = status or app.failed
    sys.exit(status)


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit status; what goes wrong is one line on standard error."""
    app.failed = FAILED
    try:
        status = app.main(list(arguments), prog_name="tcpdw", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except SystemExit as stop:
        # click leaves this way when the reader of a pipe has gone.
        return app.failed if stop.code else 0
    except (KeyboardInterrupt, Interrupted, click.Abort):
        say("stopped")
        return STOPPED
    except BrokenPipeError:
        _silence()
        return app.failed
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE, "") not in ("", "0"):
            import traceback

            traceback.print_exc()
        return _report(error)


def _report(error: Exception) -> int:
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx else "tcpdw"
        say(f"error: {error.format_message().rstrip('.')}; see `{command} --help`")
        return USAGE
    if isinstance(error, click.ClickException):
        say(f"error: {error.format_message()}")
        return app.failed if error.exit_code == FAILED else error.exit_code
    if isinstance(error, TcpdwError):
        say(f"error: {error}")
        return USAGE if isinstance(error, UsageError) else app.failed
    what = (str(error).splitlines() or [""])[0]
    kind = type(error).__name__
    say(f"error: {kind}: {what}; {DEBUG_VARIABLE}=1 shows where it comes from")
    return app.failed


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _silence() -> None:
    """Let the interpreter's last flush go nowhere, so that it has nothing to complain of."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = io.StringIO()
