"""Captures by pyshark, over tshark 4.0 and later: the reference for `PACKET_SCHEMA`, and slow.

tshark is told to show each packet by itself: absolute sequence numbers, nothing reassembled,
nothing above TCP and UDP dissected. pcap and pcapng, plain or gzipped.
"""

from __future__ import annotations

import asyncio
import functools
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tcpdw.errors import CaptureError, ReaderUnavailableError
from tcpdw.readers import Capture, capture_format, tshark_fields

# Preferences of tshark; what the user's own profile says for them must not matter.
_PREFERENCES = {
    "frame.generate_epoch_time": "TRUE",
    "ip.defragment": "FALSE",
    "ip.tso_support": "TRUE",
    "ip.check_checksum": "FALSE",
    "ip.use_geoip": "FALSE",
    "ipv6.defragment": "FALSE",
    "ipv6.tso_support": "TRUE",
    "ipv6.use_geoip": "FALSE",
    "ipv6.exthdr_under_root_protocol_tree": "FALSE",
    "tcp.analyze_sequence_numbers": "FALSE",
    "tcp.relative_sequence_numbers": "FALSE",
    "tcp.desegment_tcp_streams": "FALSE",
    "tcp.reassemble_out_of_order": "FALSE",
    "tcp.calculate_timestamps": "FALSE",
    "tcp.check_checksum": "FALSE",
    "tcp.try_heuristic_first": "FALSE",
    "udp.calculate_timestamps": "FALSE",
    "udp.check_checksum": "FALSE",
    "udp.try_heuristic_first": "FALSE",
}

# The parts of the dissection that are printed: half the text, and half the time.
_PRINTED = (
    "frame frame.interface_id vlan ieee8021ad ip ipv6 ipv6.hopopts ipv6.routing ipv6.dstopts "
    "ipv6.fraghdr ah udp tcp tcp.options tcp.options.mss tcp.options.wscale "
    "tcp.options.sack_perm tcp.options.timestamp"
)

# Every port is "echo", whose dissector does nothing: tshark has no switch, common to 4.0 and later,
# that keeps it from guessing at payloads.
_OPTIONS = ["-d", "tcp.port==0-65535,echo", "-d", "udp.port==0-65535,echo", "-j", _PRINTED]

_ROWS_A_BATCH = 16_384
_STDERR_KEPT = 65_536


def read(path: Path) -> Capture:
    """Read every frame of a capture file.

    A file cut short gives the frames before the cut and a warning that names the byte offset of
    the frame that is not whole. May be called from any thread, and while an event loop runs in it.
    Raises `CaptureError` where the file is no capture or tshark fails, `ReaderUnavailableError`
    where tshark or pyshark is not installed.
    """
    capture_format.check(path)
    tshark = shutil.which("tshark")
    if tshark is None:
        raise ReaderUnavailableError("tshark is not installed", hint="apt-get install tshark")
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _read(path, tshark)
    # A loop cannot run inside a running one: pyshark gets a thread of its own.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_read, path, tshark).result()


def _read(path: Path, tshark: str) -> Capture:
    import pyarrow as pa

    from tcpdw.readers.packets import PACKET_SCHEMA

    rows: list[tuple[Any, ...]] = []
    batches: list[pa.RecordBatch] = []
    count = untimely = 0

    def flush() -> None:
        columns = zip(*rows, strict=True) if rows else ((),) * len(PACKET_SCHEMA)
        kinds: list[pa.DataType] = PACKET_SCHEMA.types
        arrays: list[pa.Array[Any]] = [
            pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)
        ]
        batches.append(pa.RecordBatch.from_arrays(arrays, schema=PACKET_SCHEMA))
        rows.clear()

    def keep(packet: Any) -> None:
        nonlocal count, untimely
        row = tshark_fields.row(
            # The plain dicts: pyshark's attributes search by name and wrap each field anew.
            packet.frame_info._all_fields,
            [(layer.layer_name, layer._all_fields) for layer in packet.layers],
        )
        count += 1
        if row is None:
            untimely += 1
        else:
            rows.append(row)
        if len(rows) == _ROWS_A_BATCH:
            flush()

    loop = asyncio.new_event_loop()
    try:
        run = _tshark_run()(
            path.absolute(),
            tshark,
            use_json=True,
            keep_packets=False,
            eventloop=loop,
            override_prefs=_preferences(tshark),
            custom_parameters=_OPTIONS,
        )
        loop.run_until_complete(run.packets_from_tshark(keep))
    except OSError as error:
        raise CaptureError(f"tshark cannot be run: {error.strerror}", path=path) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        timeless = isinstance(error, KeyError) and "frame.time_epoch" in error.args
        message = "has no time" if timeless else f"cannot be read from tshark's text ({error!r})"
        raise CaptureError(f"frame {count + 1} {message}", path=path) from error
    finally:
        _close(loop)
    warnings = list(_ending(path, run.status, bytes(run.words), count))
    if untimely:
        warnings.append(f"{path}: {untimely} frames left out, with times beyond 1677 to 2262")
    flush()
    return Capture(pa.Table.from_batches(batches, PACKET_SCHEMA), tuple(warnings))


@functools.cache
def _tshark_run() -> Any:
    """Return pyshark's file capture, made to wait for tshark and to keep what it says.

    As it comes, it kills tshark at the end of the output, so that whether a file was cut short is
    a matter of luck; decodes text strictly; looks for repeated keys, which it has asked tshark not
    to write; and reads a `config.ini` of the working directory.
    """
    try:
        import pyshark
        from packaging.version import parse
        from pyshark.tshark.output_parser import tshark_json
    except ImportError as error:
        hint = "install pyshark 0.6 with pip"
        raise ReaderUnavailableError("pyshark is not installed", hint=hint) from error

    # Whose text has the form of all since; asking would be one more process a run.
    oldest = parse("4.0.0")

    class Parser(tshark_json.TsharkJsonParser):
        def _parse_single_packet(self, packet: bytes) -> Any:
            text = packet.decode(errors="replace").encode()
            return tshark_json.packet_from_json_packet(text, deduplicate_fields=False)

    class TsharkRun(pyshark.FileCapture):
        def __init__(self, path: Path, tshark: str, **options: Any) -> None:
            super().__init__(path, **options)
            self.tshark = tshark
            self.status = 0
            self.words = bytearray()

        def _get_tshark_path(self) -> str:
            return self.tshark

        def _get_tshark_version(self) -> Any:
            return oldest

        def _setup_tshark_output_parser(self) -> Parser:
            return Parser(self._get_tshark_version())

        def _created_new_process(
            self,
            parameters: Any,  # noqa: ARG002
            process: Any,
            process_name: str = "TShark",  # noqa: ARG002
        ) -> None:
            # It may have ended already, and its last words are not read yet.
            self._running_processes.add(process)

        async def _handle_process_stderr_forever(self, stderr: asyncio.StreamReader) -> None:
            while part := await stderr.read(_STDERR_KEPT):
                self.words = (self.words + part)[-_STDERR_KEPT:]

        async def _cleanup_subprocess(self, process: asyncio.subprocess.Process) -> None:
            if not self._eof_reached and process.returncode is None:
                process.kill()
            if process.stdout is not None:
                while await process.stdout.read(_STDERR_KEPT):
                    pass  # The pipe closes only once it is empty.
            self.status = await process.wait()

    return TsharkRun


@functools.cache
def _preferences(tshark: str) -> dict[str, str]:
    """Return those of `_PREFERENCES` that this tshark has: it refuses to run with any other."""
    try:
        done = subprocess.run([tshark, "-G", "currentprefs"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        hint = "apt-get install --reinstall tshark"
        raise ReaderUnavailableError("tshark does not run", path=tshark, hint=hint) from error
    known = set(re.findall(r"^#?([\w.]+):", done.stdout.decode(errors="replace"), re.MULTILINE))
    return {name: value for name, value in _PREFERENCES.items() if name in known}


def _close(loop: asyncio.AbstractEventLoop) -> None:
    # After an interrupt the run is still pending: cancelled, it kills tshark and reaps it.
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def _ending(path: Path, status: int, words: bytes, count: int) -> tuple[str, ...]:
    """Judge how tshark ended; return the warnings, or raise `CaptureError`."""
    if status == 0:
        return ()
    if status < 0:
        message = f"tshark was ended by signal {-status} after {count} frames"
        raise CaptureError(message, path=path, hint="read it again, with more memory")
    reason = _reason(words, path)
    if b"cut short" not in words:
        if count == 0:
            raise CaptureError(f"tshark: {reason}", path=path)
        return (f"{path}: only the first {count} frames are readable; tshark: {reason}",)
    offset = capture_format.cut_at(path)
    place = "" if offset is None else f" at byte {offset}"
    return (f"{path}{place}: cut short in the middle of a frame; the {count} before it are kept",)


def _reason(words: bytes, path: Path) -> str:
    """Return tshark's last words about the file, in one printable line."""
    text = words.decode(errors="replace").replace(f'"{path.absolute()}" ', "")
    lines = [
        "".join(c if c.isprintable() else "?" for c in line).strip().removeprefix("tshark: ")
        for line in text.splitlines()
        if not line.startswith("Running as user")  # As root it says so, and is right.
    ]
    return " ".join(line for line in lines if line)[:300] or "it gave no reason"
