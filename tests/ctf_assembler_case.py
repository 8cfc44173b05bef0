"""CTF cases: one text file describes a trace and what a reader must make of it.

A section starts at the line's beginning and its lines are indented; before the first one, `#`
lines say what the case is about. `${NAME}` in a section stands for the text of `NAME` in `let:`.

    include FILE           the sections of FILE come first; what this file lets goes before
    let:                   `name = text`, with further lines of the text indented more
    metadata:              TSDL, as it stands
    metadata ORDER SIZE:   the same in packets of SIZE bytes, ORDER `le` or `be`
    ctf2:                  JSON fragments of CTF 2
    macros:                items for all streams
    stream NAME:           a data stream's file (see `ctf_assembler`)
    file PATH:             any other file's bytes, by items
    index NAME:            LTTng's index of the stream above it: `begin end discarded` a packet
    bt2: no (WHY)          babeltrace2 cannot read it, or reads it wrongly
    expect: streams: lost: warnings: head: error: declined:     see `ctf_assembler_expect`
"""

from __future__ import annotations

import json
import re
import struct
import textwrap
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from ctf_assembler import Assembler, AssemblyError, Item, parse

_SECTION = re.compile(r"([a-z]\w*)((?: +[^\s:]+)*) *:(.*)")
_KNOWN = {
    *("let", "metadata", "ctf2", "macros", "stream", "index", "file", "bt2"),
    *("expect", "streams", "lost", "warnings", "head", "error", "declined"),
}
_METADATA_HEADER = struct.calcsize("<I16sIII5B")


@dataclass
class Section:
    """A section: its words, what is on its line behind the colon, its dedented text and place."""

    kind: str
    words: list[str]
    note: str
    text: str
    place: str
    line: int

    def fail(self, message: str, line: int = 0) -> AssemblyError:
        return AssemblyError(self.place, self.line + line, message)


@dataclass
class Case:
    """A case file that was read; `marks` holds its marks once it is written."""

    path: Path
    sections: list[Section]
    marks: dict[str, int] = field(default_factory=dict)

    def all(self, kind: str) -> list[Section]:
        """Return the sections of one kind."""
        return [section for section in self.sections if section.kind == kind]

    def one(self, kind: str) -> Section | None:
        """Return the last section of one kind."""
        return next(reversed(self.all(kind)), None)

    @property
    def skips_bt2(self) -> bool:
        """Whether babeltrace2 is not asked."""
        section = self.one("bt2")
        return section is not None and section.note.startswith("no (")

    def write(self, directory: Path) -> Path:
        """Write the trace into `directory`, which is made. Raises AssemblyError."""
        directory.mkdir(parents=True)
        (directory / "metadata").write_bytes(self._metadata())
        macros: list[Item] = []
        for section in self.all("macros"):
            macros += parse(section.text, section.place, section.line + 1)
        assembler = Assembler(self.path.name, macros)
        for section in self.sections:
            if section.kind in ("stream", "file"):
                items = parse(section.text, section.place, section.line + 1)
                file = directory / section.words[0]
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(assembler.assemble(items))
            elif section.kind == "index":
                (directory / "index").mkdir(exist_ok=True)
                index = directory / "index" / f"{section.words[0]}.idx"
                index.write_bytes(_index(section, assembler.packets))
        self.marks = assembler.marks
        return directory

    def _metadata(self) -> bytes:
        fragments = self.all("ctf2")
        if fragments:
            return b"".join(_json_sequence(section) for section in fragments)
        text, packets = "", None
        for section in self.all("metadata"):
            text += section.text
            packets = section.words or packets
        if packets is None:
            return text.encode()
        return _in_packets(text.encode(), "<" if packets[0] == "le" else ">", int(packets[1]))


def load(path: Path) -> Case:
    """Read the case file `path`. Raises AssemblyError."""
    sections = _sections(path)
    lets: dict[str, str] = {}
    for section in sections:
        if section.kind == "let":
            lets |= _lets(section)
    for section in sections:
        if section.kind != "let":
            section.text = _substituted(section, lets)
    return Case(path, sections)


def _sections(path: Path) -> list[Section]:
    sections: list[Section] = []
    lines: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("include "):
            sections += _sections(path.parent / line.split()[1])
        elif not line or line[0] in " \t":
            if sections and sections[-1].place == path.name:
                lines.append(line)
            elif line.strip():
                raise AssemblyError(path.name, number, "an indented line belongs to a section")
        elif not line.startswith("#"):
            found = _SECTION.fullmatch(line)
            if found is None or found[1] not in _KNOWN:
                raise AssemblyError(path.name, number, f"no section: {line!r}")
            _close(sections, lines)
            words, note = found[2].split(), found[3].strip()
            sections.append(Section(found[1], words, note, "", path.name, number))
    _close(sections, lines)
    return sections


def _close(sections: list[Section], lines: list[str]) -> None:
    if sections and lines:
        sections[-1].text = textwrap.dedent("\n".join(lines)).rstrip() + "\n"
    lines.clear()


def _lets(section: Section) -> dict[str, str]:
    lets: dict[str, str] = {}
    name = ""
    for number, line in enumerate(section.text.splitlines(), 1):
        if line[:1].isspace() and name:
            lets[name] += "\n" + line
        elif line.strip():
            name, equals, text = (part.strip() for part in line.partition("="))
            if not equals:
                raise section.fail(f"no `name = text`: {line!r}", number)
            lets[name] = text
    return lets


def _substituted(section: Section, lets: dict[str, str]) -> str:
    text = section.text
    for _ in range(9):  # a text may have other names in it
        for name in set(re.findall(r"\$\{(\w+)\}", text)):
            if name not in lets:
                raise section.fail(f"nothing lets {name!r} be anything")
            text = text.replace(f"${{{name}}}", lets[name])
    return text


def _json_sequence(section: Section) -> bytes:
    """Return JSON texts as a sequence (RFC 7464): each after a record separator."""
    data, at, text = b"", 0, section.text.strip()
    while at < len(text):
        try:
            _, end = json.JSONDecoder().raw_decode(text, at)
        except ValueError as error:
            raise section.fail(f"JSON: {error}", 1 + text[:at].count("\n")) from None
        data += b"\x1e" + text[at:end].encode() + b"\n"
        at = end + len(text[end:]) - len(text[end:].lstrip())
    return data


def _index(section: Section, packets: list[tuple[int, int, int]]) -> bytes:
    rows = [[int(word) for word in line.split()] for line in section.text.splitlines()]
    if len(rows) != len(packets):
        raise section.fail(f"the stream above has {len(packets)} packets")
    data = struct.pack(">4I", 0xC1F1DCC1, 1, 1, 72)
    for number, (row, packet) in enumerate(zip(rows, packets, strict=True)):
        begin, end, discarded = row
        data += struct.pack(">9Q", *packet, begin, end, discarded, 0, 0, number)
    return data


def _in_packets(text: bytes, order: str, size: int) -> bytes:
    data, room = b"", size - _METADATA_HEADER
    for at in range(0, len(text), room):
        part = text[at : at + room]
        sizes = ((len(part) + _METADATA_HEADER) * 8, size * 8)
        header = struct.pack(
            order + "I16sIII5B", 0x75D11D57, uuid.UUID(int=7).bytes, 0, *sizes, 0, 0, 0, 1, 8
        )
        data += (header + part).ljust(size, b"\0")
    return data
