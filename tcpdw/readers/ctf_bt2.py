"""CTF traces by babeltrace2's Python bindings: all fields of all events, stream by stream.

Each data stream is read by itself: babeltrace2's own merging of streams by time gives up on traces
whose packets overlap. A damaged trace can abort the process that reads it: run this in a child
process (`tcpdw.readers.worker`). Works with bt2 2.0 and 2.1; only 2.1 knows CTF 2.

No other module imports bt2.
"""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
import warnings
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

from tcpdw.errors import ReaderUnavailableError, TraceError
from tcpdw.readers import TraceHead, TraceItem, metadata_packets
from tcpdw.readers.bt2_pump import Library, Pump, Row, RowPump, reason
from tcpdw.readers.bt2_salvage import Part, Refusal, salvage
from tcpdw.readers.trace_tally import Tally

try:
    with warnings.catch_warnings():
        # From Python 3.12 on SWIG's types are warned of; as an error that crashes the extension.
        warnings.simplefilter("ignore", DeprecationWarning)
        import bt2 as _bt2  # pyright: ignore[reportMissingImports]
        from bt2 import _native_bt, message, utils  # pyright: ignore
except ImportError:
    _bt2 = _native_bt = message = utils = None
bt2: Any = _bt2


def read(path: Path) -> Iterator[TraceItem]:
    """Yield what the CTF trace in the directory `path` holds (see `tcpdw.readers`).

    `ts` is the default clock's time; a stream without a clock counts its events from 0 instead,
    and a warning says so. Damaged streams give the events before the damage and a warning, and a
    `LostWindow` of 0 events from there to the trace's end; so do packets that the tracer lost.
    Raises TraceError if `path` is no readable trace, ReaderUnavailableError without bt2.
    """
    if bt2 is None:
        raise ReaderUnavailableError(
            "the Python bindings of babeltrace2 (bt2) are not installed",
            hint="on Debian: apt-get install python3-bt2",
        )
    if not (path / "metadata").is_file():
        raise TraceError("no CTF trace: it has no metadata file", path=path)
    if not (path / "metadata").stat().st_size:
        raise TraceError("the metadata file is empty", path=path / "metadata")
    metadata_packets.check(path / "metadata")
    with tempfile.TemporaryDirectory(prefix="tcpdw-salvage-") as scratch:
        yield from _read_by_way_of(Path(scratch), path)


def _read_by_way_of(scratch: Path, path: Path) -> Iterator[TraceItem]:
    # bt2 takes text for a path, and a path need not be any: then by a link that is.
    shown = scratch / "trace"
    shown.symlink_to(path.resolve(), target_is_directory=True)
    whole = Pump(_library(), Part(path if _is_text(path) else shown), tally := Tally(path))
    try:
        graph = _connect(whole)
    except _library().errors:
        graph = None
    if graph is not None:
        yield from _read([(whole, graph)], tally)
        return
    saved = salvage(path, scratch / "parts", _refusal, _sound_events)
    tally = Tally(path, saved.warnings, unread=saved.unread)
    pumps = [Pump(_library(), part, tally) for part in saved.parts]
    yield from _read(((pump, _connect(pump)) for pump in pumps), tally)


def _read(graphs: Iterable[tuple[Pump, Any]], tally: Tally) -> Iterator[TraceItem]:
    headed = False
    for pump, graph in graphs:
        ended = False
        while not ended:
            ended = pump.run(graph)
            if pump.head is not None and not headed:
                headed = True
                yield pump.head
            yield from (decoder.take() for decoder in pump.due())
    if not headed:
        yield TraceHead({}, None)
    yield tally.end()


def _sound_events(one: Path, other: Path) -> int:
    """Count the events that the single streams of two traces have in common at their start."""
    count = 0
    for a, b in zip(_rows(one), _rows(other), strict=False):
        # A NaN is not equal to itself, but reads the same.
        if a != b and repr(a) != repr(b):
            break
        count += 1
    return count


def _rows(path: Path) -> Iterator[Row]:
    pump = RowPump(_library(), Part(path))
    yield from pump.rows(_connect(pump))


def _is_text(path: Path) -> bool:
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _connect(pump: Pump) -> Any:
    """Return a graph that reads every stream of the pump's trace into it; raises bt2's error."""
    graph, source = _open(pump.part.path)
    pump.ports = [f"in{number}" for number in range(len(source.output_ports))]
    sink = graph.add_component(_sink_class(), "rows", obj=pump)
    for port, name in zip(source.output_ports.values(), pump.ports, strict=True):
        graph.connect_ports(port, sink.input_ports[name])
    return graph


def _library() -> Library:
    return Library(bt2, _native_bt, message, utils)


def _open(path: Path, level: Any = None) -> tuple[Any, Any]:
    """Return a graph with the trace's source in it, and the source; raises bt2's error.

    `level` is the level from which babeltrace2 logs, None for not at all.
    """
    level = bt2.LoggingLevel.NONE if level is None else level
    # Where the metadata's text is wrong, the plugin says on which line in its log alone.
    os.environ.setdefault("BABELTRACE_PLUGIN_CTF_METADATA_LOG_LEVEL", "ERROR")
    plugin = bt2.find_plugin("ctf")
    if plugin is None:
        raise ReaderUnavailableError(
            "babeltrace2 lacks its CTF plugin", hint="on Debian: apt-get install babeltrace2"
        )
    kind = plugin.source_component_classes["fs"]
    params = {"inputs": [os.fspath(path)]}
    # bt2 2.1 reads CTF 2 under a newer version of its message protocol only.
    version = bt2.get_greatest_operative_mip_version(
        [bt2.ComponentDescriptor(kind, params), bt2.ComponentDescriptor(_sink_class())], level
    )
    graph = bt2.Graph(version or 0)
    return graph, graph.add_component(kind, "ctf", params, logging_level=level)


def _refusal(path: Path) -> Refusal | None:
    """Return why babeltrace2 does not take the trace at `path`, None if it does."""
    try:
        with _standard_error_to(Path(os.devnull)):
            _open(path)
        return None
    except _library().errors as error:
        cause = reason(error)
    with tempfile.NamedTemporaryFile(prefix="tcpdw-log-") as log:
        with _standard_error_to(Path(log.name)), contextlib.suppress(*_library().errors):
            _open(path, bt2.LoggingLevel.WARNING)
        return Refusal(cause, Path(log.name).read_text(errors="replace"))


@contextlib.contextmanager
def _standard_error_to(path: Path) -> Generator[None, None, None]:
    """Send what the process writes to file descriptor 2 to `path`: the library logs there."""
    kept = os.dup(2)
    try:
        with path.open("ab") as target:
            os.dup2(target.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@functools.cache
def _sink_class() -> Any:
    """Return the sink that hands the graph's turns to a pump; made late, for bt2 may be missing."""

    class Rows(bt2._UserSinkComponent):
        """Sink of tcpdw's CTF reader."""

        def __init__(self, config: Any, params: Any, obj: Pump) -> None:
            del config, params
            self._pump = obj
            for port in obj.ports:
                self._add_input_port(port)

        @classmethod
        def _user_get_supported_mip_versions(cls, params: Any, obj: Any, log_level: Any) -> Any:
            del params, obj, log_level
            return bt2.UnsignedIntegerRangeSet([(0, bt2.get_maximal_mip_version())])

        def _user_graph_is_configured(self) -> None:
            pass

        def _user_consume(self) -> None:
            self._pump.consume(self)

    return Rows
