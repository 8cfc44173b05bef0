"""`tcpdw record`: the experiment, run after run, into run directories."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tcpdw.cli import shared
from tcpdw.errors import UsageError

if TYPE_CHECKING:
    from tcpdw.record.recording import Watcher
    from tcpdw.record.settings import Settings

_END = (str, click.IntRange(1, 65535))


@click.command()
@shared.with_output
@click.option("--out", type=click.Path(path_type=Path, file_okay=False),
              default="runs", metavar="DIR", show_default=True, help="Where they go.")  # fmt: skip
@click.option("--local", is_flag=True, help="Both ends on this host, in two network namespaces.")
@click.option("--listen", type=_END, metavar="ADDR PORT", help="The server's end alone.")
@click.option("--connect", type=_END, metavar="ADDR PORT", help="The client's end alone.")
@click.option("--runs", type=click.IntRange(1, 10**6), default=1, metavar="N", show_default=True,
              help="How many; with --connect as many as the other end records.")  # fmt: skip
@click.option("--experiment", default="handshake", metavar="NAME", show_default=True,
              help="handshake or load; any other name is a handshake of that name.")  # fmt: skip
@click.option("--close", type=click.Choice(["client", "server", "reset"]), default="client",
              show_default=True, help="Who hangs up; reset: the client, by RST.")  # fmt: skip
@click.option("--connections", type=click.IntRange(1, 10_000), metavar="N",
              help="How many a load makes (default: 40).")  # fmt: skip
@click.option("--server-command", metavar="COMMAND",
              help="Another server program; {address} and {port} stand for its own.")  # fmt: skip
@click.option("--client-command", metavar="COMMAND", help="Another client program, likewise.")
@click.option("--machine", metavar="NAME", help="What to call this host (default: its name).")
@click.option("--interface", metavar="NAME", help="Where to capture (default: where ADDR is).")
@click.option("--capture", type=click.Choice(["tcpdump", "dumpcap"]),
              help="What captures (default: what is there, tcpdump first).")  # fmt: skip
@click.option("--no-kernel", is_flag=True, help="No kernel trace: capture and /proc alone.")
@click.option("--buffer", type=click.IntRange(1, 1 << 20), default=16, metavar="MIB",
              show_default=True, help="Trace buffer of each cpu.")  # fmt: skip
@click.option("--retry-lossy", type=click.IntRange(0, 100), default=0, metavar="N",
              help="Record a run that lost something again, up to N times, "
              "with twice the buffer each time.")  # fmt: skip
@click.option("--think", type=click.FloatRange(0, 3600), default=0.5, metavar="SECONDS",
              show_default=True, help="How long the users take to type or hang up.")  # fmt: skip
@click.option("--timeout", type=click.FloatRange(1, 86400), default=30.0, metavar="SECONDS",
              show_default=True, help="How long any step of a run may take.")  # fmt: skip
@click.option("--check", is_flag=True, help="Only look whether all that is needed is there.")
def record(
    check: bool,
    local: bool,
    listen: tuple[str, int] | None,
    connect: tuple[str, int] | None,
    **options: object,
) -> int:
    """Record the experiment on this host: kernel trace, capture and /proc, a directory a run.

    One of --local, --listen and --connect says which ends are here. Each run is read back as
    `tcpdw ingest` will do it, and what was lost is said. Ctrl-C ends it: the runs that are whole
    stay, nothing else does.
    """
    from tcpdw.output import Result
    from tcpdw.record import recording

    ends = [local, listen is not None, connect is not None]
    if sum(ends) != 1:
        raise UsageError("give one of --local, --listen ADDR PORT and --connect ADDR PORT")
    place = "local" if local else "listen" if listen is not None else "connect"
    settings = _settings(place, listen or connect, options)
    if check:
        return _check(settings)
    summary = recording.record(settings, _watcher(is_told=shared.is_for_people()))
    runs = len(summary.kept)
    if shared.is_for_people():
        what = "run" if runs == 1 else "runs"
        shared.paragraph(f"{runs:,} {what} in {settings.out}, {summary.failures:,} failed")
    else:
        rows = [
            (str(settings.out / run.name), run.events, run.packets, run.discarded, run.dropped)
            for run in summary.kept.values()
        ]
        columns = ("path", "events", "packets", "events_discarded", "packets_dropped")
        shared.show(Result(columns, rows))
    if summary.is_stopped:
        raise shared.Interrupted
    return 1 if summary.failures or not runs else 0


def _settings(place: str, end: tuple[str, int] | None, options: dict[str, object]) -> Settings:
    from typing import Any, cast

    from tcpdw.record import host
    from tcpdw.record.experiments import EXPERIMENTS, Handshake, Load
    from tcpdw.record.settings import LOCAL_ADDRESSES, LOCAL_PORT, MEBIBYTE, Settings

    given = cast("dict[str, Any]", options)
    kind = EXPERIMENTS.get(given["experiment"], Handshake)
    words: dict[str, Any] = {"close": given["close"]}
    if given["connections"] is not None:
        if kind is not Load:
            raise UsageError("--connections is for --experiment load")
        words["connections"] = given["connections"]
    experiment = kind(
        server_words=given["server_command"], client_words=given["client_command"], **words
    )
    address, port = end or (LOCAL_ADDRESSES[0], LOCAL_PORT)
    return Settings(
        out=given["out"],
        machine=given["machine"] or host.name(),
        place=cast("Any", place),
        experiment=experiment,
        label=given["experiment"],
        runs=given["runs"],
        kernel=not given["no_kernel"],
        interface=given["interface"],
        capture=given["capture"],
        buffer=given["buffer"] * MEBIBYTE,
        retries=given["retry_lossy"],
        timeout=given["timeout"],
        pause=given["think"],
        address=address,
        port=port,
    )


def _check(settings: Settings) -> int:
    from tcpdw.output import Result
    from tcpdw.record import needs

    found = needs.needs(settings)
    rows = [("ok" if n.is_met else "missing", n.what, n.found, n.remedy or "") for n in found]
    shared.show(Result(("state", "what", "found", "remedy"), rows))
    return 0 if all(need.is_met for need in found) else 1


def _watcher(*, is_told: bool) -> Watcher:
    from tcpdw.errors import RecordError
    from tcpdw.output import clean, print_line
    from tcpdw.record.recording import Watcher
    from tcpdw.record.repetition import Recorded

    class Lines(Watcher):
        """Says a line a run."""

        def swept(self, what: str) -> None:
            shared.say(f"removed what a recording left that was killed: {what}")

        def kept(self, run: Recorded) -> None:
            if is_told:
                lost = f"; {run.lost}" if run.lost else ""
                counts = f"{run.events:,} events, {run.packets:,} packets"
                print_line(clean(f"{run.name}: {counts}{lost}"))
            for text in run.warnings:
                shared.say(f"warning: {run.name}: {text}")

        def again(self, run: Recorded) -> None:
            shared.say(f"{run.name}: {run.lost or 'the other end lost some'}; recorded again")

        def failed(self, number: int, error: RecordError) -> None:
            shared.say(f"run {number} failed: {error}")

        def stopping(self) -> None:
            shared.say("stopping: the run that is under way is dropped")

    return Lines()
