"""What is measured from within: a process that reads once and says how long that took.

`python -m bench.probe NAME PATH [NUMBER]` prints a line of JSON: `seconds` of the reading, without
the start of Python and its imports, and the `count` of events or packets read in them.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

Reading = tuple[float, int]


def native(path: Path, threads: int) -> Reading:
    """Read a trace with the native reader, to the last column; each batch is dropped once read."""
    import pyarrow  # noqa: F401

    from tcpdw.readers import ctf_native, tsdl_trace  # noqa: F401 - which it imports late

    return _columns(lambda: ctf_native.read(path, threads=threads))


def bt2_reader(path: Path, _: int) -> Reading:
    """Read a trace with tcpdw's reader that is built on bt2, to columns too."""
    import pyarrow  # noqa: F401

    from tcpdw.readers import ctf_bt2

    return _columns(lambda: ctf_bt2.read(path))


def bt2_bindings(path: Path, events: int) -> Reading:
    """Iterate over a trace's first events with the bt2 bindings and touch every field of each."""
    import bt2

    def values() -> Iterator[None]:
        for message in bt2.TraceCollectionMessageIterator(str(path)):
            if type(message) is bt2._EventMessageConst:
                event = message.event
                _ = event.name, message.default_clock_snapshot.ns_from_origin
                for field in (
                    event.packet.context_field,
                    event.common_context_field,
                    event.specific_context_field,
                    event.payload_field,
                ):
                    _plain(field)
                yield

    return _paced(values(), events)


def capture_native(path: Path, _: int) -> Reading:
    """Read a capture with the native reader, to columns."""
    import pyarrow  # noqa: F401

    from tcpdw.readers import capture_native

    started = time.perf_counter()
    rows = capture_native.read(path).packets.num_rows
    return time.perf_counter() - started, rows


def pyshark_reader(path: Path, _: int) -> Reading:
    """Read a capture with tcpdw's reader that is built on pyshark, to the same columns."""
    import pyarrow  # noqa: F401
    import pyshark  # noqa: F401

    from tcpdw.readers import capture_pyshark

    started = time.perf_counter()
    rows = capture_pyshark.read(path).packets.num_rows
    return time.perf_counter() - started, rows


def pyshark_packets(path: Path, packets: int) -> Reading:
    """Iterate over a capture with pyshark, by its faster JSON, and touch some fields of each."""
    import pyshark

    capture = pyshark.FileCapture(str(path), use_json=True, keep_packets=False)

    def values() -> Iterator[None]:
        for packet in capture:
            _ = packet.sniff_timestamp, packet.ip.src, packet.ip.dst
            _ = packet.tcp.srcport, packet.tcp.dstport, packet.tcp.seq, packet.tcp.flags
            yield

    reading = _paced(values(), packets)
    capture.close()
    return reading


PROBES: dict[str, Callable[[Path, int], Reading]] = {
    probe.__name__: probe
    for probe in (
        native,
        bt2_reader,
        bt2_bindings,
        capture_native,
        pyshark_reader,
        pyshark_packets,
    )
}


def _columns(read: Callable[[], Iterable[Any]]) -> Reading:
    from tcpdw.readers import EventBatch

    started = time.perf_counter()
    count = 0
    for item in read():
        if isinstance(item, EventBatch):
            count += item.columns.num_rows
    return time.perf_counter() - started, count


def _paced(items: Iterator[None], count: int) -> Reading:
    """Time the items after the first: what starting costs would weigh too much in a part."""
    next(items)
    started = time.perf_counter()
    number = sum(1 for _ in islice(items, count - 1))
    return time.perf_counter() - started, number


def _plain(field: Any) -> Any:
    """Turn a bt2 field into Python's own values, as one must to keep it."""
    if field is None:
        return None
    if hasattr(field, "selected_option"):
        return _plain(field.selected_option)
    if hasattr(field, "items"):
        return {name: _plain(value) for name, value in field.items()}
    if hasattr(field, "labels"):
        return int(field)
    if hasattr(field, "append") or hasattr(field, "length"):
        return [_plain(value) for value in field]
    kind = type(field).__name__
    if "String" in kind:
        return str(field)
    return float(field) if "Real" in kind else int(field)


def main() -> None:
    """Take one reading."""
    name, path, *number = sys.argv[1:]
    took, count = PROBES[name](Path(path), int(number[0]) if number else 0)
    sys.stdout.write(json.dumps({"seconds": took, "count": count}) + "\n")


if __name__ == "__main__":
    main()
