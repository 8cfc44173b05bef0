from __future__ import annotations

import os
import subprocess
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pyarrow as pa
import pytest

from tcpdw.errors import ProcError
from tcpdw.readers import proc

CASE = Path(__file__).parent / "cases/proc/established"
HEADING = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"


def stage(tmp_path: Path, **files: str | bytes) -> Path:
    """Make a stage's directory; `__` in a name stands for `-`."""
    folder = tmp_path / "stage"
    folder.mkdir()
    for name, content in {"time_ns": "1\n", **files}.items():
        raw = content.encode() if isinstance(content, str) else content
        (folder / name.replace("__", "-")).write_bytes(raw)
    return folder


def fds(tmp_path: Path, lines: str | bytes) -> list[dict[str, Any]]:
    snapshot = proc.read(stage(tmp_path, pid__7__fd=lines))
    assert snapshot.warnings == ()
    return snapshot.fds.to_pylist()


def rows(table: pa.Table) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


def link(text: str) -> str:
    return f"lrwx------ 1 root root 64 2026-11-22 13:15:04.804001584 +0000 {text}\n"


def test_snapshot() -> None:
    snapshot = proc.read(CASE)
    assert snapshot.stage == "established"
    assert snapshot.ts == 1795353310921824893
    assert snapshot.warnings == ()
    # fmt: off
    server, client = "192.168.1.105", "192.168.1.110"
    assert rows(snapshot.tcp) == [
        ("ipv4", "127.0.0.1", 5345, "0.0.0.0", 0, "LISTEN", 0, 128, 0, 0, 0, 0, 2637),
        ("ipv4", server, 5000, client, 50370, "ESTABLISHED", 18, 52, 1, 3, 1000, 2, 3116),
        ("ipv4", server, 5000, client, 50372, "TIME_WAIT", 0, 0, 3, 0, 0, 0, 0),
        ("ipv4", server, 65535, client, 1, "NEW_SYN_RECV", 0, 0, 1, 0, 2**32 - 1, 0, 2**64 - 1),
        ("ipv6", "::", 5000, "::", 0, "LISTEN", 0, 0, 0, 0, 0, 0, 1454),
        ("ipv6", "fd00::105", 5000, "fd00::110", 57176, "ESTABLISHED", 0, 0, 0, 0, 0, 0, 2650),
        ("ipv6", server, 5000, client, 50370, "CLOSE_WAIT", 0, 1, 0, 0, 0, 0, 2651),
    ]
    rwx = "lrwx------"
    assert rows(snapshot.fds) == [
        (635, 0, "/tmp/in", "path", None, "lr-x------"),
        (635, 1, "/tmp/a b -> 7 -> c (deleted)", "path", None, "l-wx------"),
        (635, 4, "socket:[3116]", "socket", 3116, rwx),
        (635, 5, "anon_inode:[eventpoll]", "anon_inode", None, rwx),
        (635, 6, "pipe:[18446744073709551615]", "pipe", 2**64 - 1, rwx),
        (635, 7, "net:[4026531840]", "namespace", 4026531840, "lr-x------"),
        (635, 8, "pidfd:[77]", "pidfd", 77, rwx),
        (635, 9, "/memfd:socket:[12] (deleted)", "path", None, rwx),
        (635, 10, "anon_inode:inotify", "anon_inode", None, rwx),
    ]
    # fmt: on
    assert rows(snapshot.processes) == [
        (12, "python3 server.py 5000"),
        (635, "ncat --listen 192.168.1.105 5000"),
    ]


def test_schemas_hold_for_empty_tables_too(tmp_path: Path) -> None:
    for snapshot in proc.read(CASE), proc.read(stage(tmp_path)):
        for table, schema in [
            (snapshot.tcp, proc.TCP_SCHEMA),
            (snapshot.fds, proc.FDS_SCHEMA),
            (snapshot.processes, proc.PROCESSES_SCHEMA),
        ]:
            assert {item.name: str(item.type) for item in table.schema} == schema


def test_big_endian_machine(tmp_path: Path) -> None:
    line = "0: C0A80169:1388 C0A8016E:C4C2 01 0:0".replace("0:0", "00000000:00000000")
    line6 = line.replace("C0A80169", "FD000000000000000000000000000105").replace(
        "C0A8016E", "00000000000000000000FFFFC0A8016E"
    )
    rest = " 00:00000000 00000000 0 0 5\n"
    folder = stage(tmp_path, net_tcp=HEADING + line + rest, net_tcp6=HEADING + line6 + rest)
    sockets = proc.read(folder, byte_order="big").tcp
    assert rows(sockets.select(["saddr", "daddr", "sport"])) == [
        ("192.168.1.105", "192.168.1.110", 5000),
        ("fd00::105", "192.168.1.110", 5000),
    ]


@pytest.mark.parametrize(("number", "name"), [(1, "ESTABLISHED"), (11, "CLOSING"), (14, "0x0E")])
def test_states(tmp_path: Path, number: int, name: str) -> None:
    line = f"0: 0:0 0:0 {number:02X} 0 00:0 00000000 0 0 5\n"
    line = line.replace("0:0 0:0", "00000000:0000 00000000:0000").replace(
        " 0 00:0", " 00000000:00000000 00:0"
    )
    snapshot = proc.read(stage(tmp_path, net_tcp=HEADING + line))
    assert snapshot.tcp["state"].to_pylist() == [name]


@pytest.mark.parametrize(
    "bad",
    [
        "   1: 6901A8C0:1388 6E01A8C0:C4C2 01 00000000:0000",
        "   1: 6901A8C:1388 6E01A8C0:C4C2 01 00000000:00000000 00:00000000 00000000 0 0 5",
        "   1: 6901A8C0:1388 6E01A8C0:C4C2 01 00000000:00000000 00:00000000 00000000 0 0 -5",
        f"   1: 6901A8C0:1388 6E01A8C0:C4C2 01 00000000:00000000 00:00000000 00000000 0 0 {2**64}",
        f"   1: 6901A8C0:1388 6E01A8C0:C4C2 01 00000000:00000000 00:00000000 00000000 {2**32} 0 5",
        f"   1: 6901A8C0:1388 6E01A8C0:C4C2 01 00000000:00000000 00:00000000 00000000 0 {2**31} 5",
        "   1: 6901A8C0:1388 6E01A8C0:C4C2 01 00000000:00000000 00:00000000 00000000 0 0 "
        + "9" * 5000,
        "   1: "
        + "0" * 32
        + ":1388 "
        + "0" * 32
        + ":C4C2 01 00000000:00000000 00:0 00000000 0 0 5",
        "\N{ARABIC-INDIC DIGIT ONE}: 6901A8C0:1388",
    ],
)
def test_bad_socket_line_is_left_out_and_said(tmp_path: Path, bad: str) -> None:
    good = "   0: 0100007F:14E1 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 {}\n"
    text = HEADING + good.format(1) + bad + "\n" + good.format(2)
    snapshot = proc.read(stage(tmp_path, net_tcp=text))
    assert snapshot.tcp["inode"].to_pylist() == [1, 2]
    assert len(snapshot.warnings) == 1
    assert snapshot.warnings[0].startswith(f"{tmp_path / 'stage/net_tcp'}:3: ")


def test_empty_table_of_sockets_is_said(tmp_path: Path) -> None:
    snapshot = proc.read(stage(tmp_path, net_tcp=HEADING, net_tcp6=""))
    assert snapshot.tcp.num_rows == 0
    assert len(snapshot.warnings) == 1
    assert "net_tcp6: is empty" in snapshot.warnings[0]


@pytest.mark.parametrize(
    "date",
    [
        "2026-11-22 13:15:04.804001584 +0000",  # full-iso
        "2026-11-22 13:15",  # long-iso
        "11-22 13:15",  # iso
        "Nov 22 13:15",  # locale
        "Nov 22  2025",
        "22. Nov 13:15",
        "11月 22 13:15",
        "1795353310",  # +%s
    ],
)
def test_time_styles(tmp_path: Path, date: str) -> None:
    line = f"lrwx------. 1 1000 domain users 64 {date} 12 -> socket:[3116]\n"
    (row,) = fds(tmp_path, "total 0\n" + line)
    assert (row["fd"], row["inode"], row["mode"]) == (12, 3116, "lrwx------")


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("3 -> /tmp/a b", "/tmp/a b"),
        ("3 -> /tmp/line\rreturn\x0bfeed\x85next\u2028", "/tmp/line\rreturn\x0bfeed\x85next\u2028"),
        ("3 -> /tmp/\"q\" 'q' \\n", "/tmp/\"q\" 'q' \\n"),
        (r'"3" -> "/tmp/a \"b\"\n\303\244"', '/tmp/a "b"\n\xe4'),
        ("3 -> '/tmp/a b'", "/tmp/a b"),
        (r"3 -> '/tmp/it'\''s'", "/tmp/it's"),
        (r"3 -> '/tmp/new'$'\n\303\244''line'", "/tmp/new\n\xe4line"),
        (r"3 -> '/tmp/$HOME'", "/tmp/$HOME"),
    ],
)
def test_names(tmp_path: Path, line: str, target: str) -> None:
    (row,) = fds(tmp_path, link(line))
    assert (row["fd"], row["target"], row["kind"]) == (3, target, "path")


def test_name_that_is_not_utf8(tmp_path: Path) -> None:
    (row,) = fds(tmp_path, link("3 -> /tmp/NAME").encode().replace(b"NAME", b"\xff\xfe"))
    assert row["target"] == "/tmp/\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("heading", ["total 0", "insgesamt 0", "total 1,5K", "/proc/7/fd:"])
def test_headings(tmp_path: Path, heading: str) -> None:
    assert fds(tmp_path, f"{heading}\n") == []


@pytest.mark.parametrize("options", ["", "-Q", "--quoting-style=shell-escape", "--full-time"])
def test_what_ls_prints(tmp_path: Path, options: str) -> None:
    target = tmp_path / "a -> 'b' \t\"c\" \xe4"
    target.touch()
    reader, writer = os.pipe()
    with target.open() as file:
        fd, inode = file.fileno(), os.fstat(reader).st_ino
        # This process has threads that open and close files meanwhile.
        with subprocess.Popen(["cat"], stdin=PIPE, pass_fds=(fd, reader, writer)) as quiet:
            command = ["ls", "-l", *options.split(), f"/proc/{quiet.pid}/fd"]
            text = subprocess.run(command, capture_output=True, check=True).stdout
    os.close(reader)
    os.close(writer)
    found = {row["fd"]: row for row in proc.read(stage(tmp_path, pid__7__fd=text)).fds.to_pylist()}
    assert found[fd] == {
        "pid": 7,
        "fd": fd,
        "target": str(target),
        "kind": "path",
        "inode": None,
        "mode": "lr-x------",
    }
    assert (found[writer]["kind"], found[writer]["inode"]) == ("pipe", inode)
    assert found[writer]["mode"] == "l-wx------"


@pytest.mark.parametrize(
    "bad",
    [
        "ls: cannot read symbolic link '/proc/7/fd/3': No such file or directory",
        link("3").strip(),
        link("x -> /tmp").strip(),
        link(f"{2**31} -> /tmp").strip(),
        link(f"{'9' * 5000} -> /tmp").strip(),
        link(f"3 -> socket:[{2**64}]").strip(),
        "the rest of a name with a line's end",
    ],
)
def test_bad_fd_line_is_left_out_and_said(tmp_path: Path, bad: str) -> None:
    text = "total 0\n" + link("1 -> /a") + bad + "\n" + link("2 -> /b")
    snapshot = proc.read(stage(tmp_path, pid__7__fd=text))
    assert snapshot.fds["target"].to_pylist() == ["/a", "/b"]
    assert len(snapshot.warnings) == 1
    assert snapshot.warnings[0].startswith(f"{tmp_path / 'stage/pid-7-fd'}:3: ")


def test_inode_with_too_many_digits_is_no_inode(tmp_path: Path) -> None:
    (row,) = fds(tmp_path, link(f"3 -> socket:[{'9' * 5000}]"))
    assert (row["kind"], row["inode"]) == ("other", None)


def test_time_missing_is_said(tmp_path: Path) -> None:
    folder = stage(tmp_path, net_tcp=HEADING)
    (folder / "time_ns").unlink()
    snapshot = proc.read(folder)
    assert snapshot.ts is None
    assert len(snapshot.warnings) == 1
    assert str(folder / "time_ns") in snapshot.warnings[0]


def test_process_without_cmdline(tmp_path: Path) -> None:
    snapshot = proc.read(stage(tmp_path, pid__7__fd="total 0\n", pid__8__cmdline=b""))
    assert rows(snapshot.processes) == [(7, None), (8, "")]


def test_number_that_is_no_pid_is_said(tmp_path: Path) -> None:
    snapshot = proc.read(stage(tmp_path, pid__2147483648__fd=link("1 -> /a")))
    assert snapshot.fds.num_rows == 0
    assert len(snapshot.warnings) == 1
    assert "pid-2147483648-fd" in snapshot.warnings[0]


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("time_ns", "yesterday", 1),
        ("time_ns", "", 1),
        ("time_ns", "-5", 1),
        ("time_ns", str(2**63), 1),
        ("time_ns", "9" * 5000, 1),
        ("net_tcp", b"\x7fELF\0\0\n", 1),
        ("net_tcp6", "\n\nhello\n", 3),
        ("pid__7__fd", b"\x89PNG\r\n\x1a\n", 1),
    ],
)
def test_file_that_is_something_else(
    tmp_path: Path, name: str, content: str | bytes, line: int
) -> None:
    folder = stage(tmp_path, **{name: content})
    with pytest.raises(ProcError) as caught:
        proc.read(folder)
    assert caught.value.path == str(folder / name.replace("__", "-"))
    assert caught.value.line == line


@pytest.mark.parametrize("name", ["net_tcp", "pid-7-fd", "pid-7-cmdline"])
def test_no_regular_file(tmp_path: Path, name: str) -> None:
    folder = stage(tmp_path)
    os.mkfifo(folder / name)
    with pytest.raises(ProcError, match="no regular file") as caught:
        proc.read(folder)
    assert caught.value.path == str(folder / name)


def test_no_snapshot(tmp_path: Path) -> None:
    with pytest.raises(ProcError, match="no directory"):
        proc.read(tmp_path / "none")
    with pytest.raises(ProcError, match="holds nothing"):
        proc.read(tmp_path)
