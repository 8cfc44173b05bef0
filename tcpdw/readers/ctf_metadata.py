"""The metadata of a CTF trace: TSDL (CTF 1.8) or JSON (CTF 2), in packets or plain."""

from __future__ import annotations

from pathlib import Path

from tcpdw.readers import metadata_packets
from tcpdw.readers.ctf_types import TraceClass

_RECORD_SEPARATOR = "\x1e"


def parse(path: Path) -> TraceClass:
    """Parse the file `metadata` of a trace's directory.

    Raises TraceError, with line and column within the text, where it is damaged or not understood;
    OSError where it cannot be read.
    """
    return parse_text(metadata_packets.text(path), path)


def parse_text(text: str, path: Path) -> TraceClass:
    """Parse a metadata text: CTF 2 where it starts with a record separator, else TSDL.

    `path` is what errors name. They are as in `parse`.
    """
    if text.startswith(_RECORD_SEPARATOR):
        from tcpdw.readers import ctf2_metadata

        return ctf2_metadata.parse(text, path)
    from tcpdw.readers import tsdl_trace

    return tsdl_trace.parse(text, path)
