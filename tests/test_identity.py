from __future__ import annotations

import json
from pathlib import Path

import pytest
from run_trees import PCAP, one, pack, refused, whole_run, write

from tcpdw import runs
from tcpdw.runs import Identity, Run


def test_options_in_another_encoding_can_be_stored(tmp_path: Path) -> None:
    identity = runs.complete(lone(tmp_path, "a"), {})
    assert identity == Identity()
    run = one(tmp_path / "a", Identity(machine="m\udcff", driver="\x1b[31m"))
    assert runs.complete(run, {}) == Identity(machine="m\ufffd", driver="\x1b[31m")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "no JSON"),
        ("{", 1, "no JSON"),
        ('{"machine": "a",\n "role": }', 2, "column 10"),
        ("[1]", None, "no JSON object"),
        ("null", None, "no JSON object"),
        ('{"cpus": NaN}', None, "NaN"),
        ('{"x": -Infinity}', None, "Infinity"),
        ('{"x": ' + "9" * 5000 + "}", None, "no JSON"),
        ("[" * 100_000, None, "no JSON"),
        ('{"machine": "a", "machine": "b"}', None, "'machine' comes twice"),
        ('{"a": 1,\n"machine": 7}', 2, "field machine is 7, not a text"),
        ('{"machine": ["a"]}', 1, "not a text"),
        ('{"machine": ""}', 1, "not 1 to 256 characters"),
        ('{"machine": " \\n"}', 1, "not 1 to 256 characters"),
        (json.dumps({"kernel": "k" * 257}), 1, "not 1 to 256 characters"),
        ('{"repetition": "001"}', 1, "field repetition is '001', not a whole number"),
        ('{"repetition": true}', 1, "not a whole number"),
        ('{"repetition": 1.0}', 1, "not a whole number"),
        ('{"repetition": -1}', 1, "not from 0"),
        ('{"cpus": 0}', 1, "not from 1"),
        ('{"started_at_ns": 9223372036854775808}', 1, "not from 0"),
        ('{"started_at_ns": 1e400}', 1, "not a whole number"),
        ('{"x": "' + "x" * (1 << 20) + '"}', None, "larger than"),
    ],
)
def test_nonsense_in_run_json(tmp_path: Path, text: str, line: int | None, words: str) -> None:
    root = write(tmp_path / "r", {"run.json": text, "p.pcap": PCAP})
    error = refused(root)
    assert words in error.message
    assert (error.path, error.line) == (str(root / "run.json"), line)
    assert str(error).isprintable()


@pytest.mark.parametrize(
    ("text", "machine"),
    [
        (b'{"machine": "a\\u001b[31m\\u0000\\n<b>"}', "a\x1b[31m\0\n<b>"),
        (b'{"machine": "\\u202eabc"}', "\u202eabc"),
        (b'{"machine": "a\xff\xc3"}', "a\ufffd\ufffd"),
        (b'{"machine": "a\\ud800b \\ud83d\\ude00"}', "a\ufffdb \U0001f600"),
    ],
)
def test_run_json_names_are_data(tmp_path: Path, text: bytes, machine: str) -> None:
    root = write(tmp_path / "r", {"run.json": text, "p.pcap": PCAP})
    assert one(root).identity == Identity(machine=machine)


def test_run_json_with_a_byte_order_mark(tmp_path: Path) -> None:
    write(tmp_path, {"p.pcap": PCAP})
    write(
        tmp_path, {"run.json": '{"machine": "é", "cpus": null, "x": [1e9, {}]}'.encode("utf-8-sig")}
    )
    assert one(tmp_path).identity == Identity(machine="é")


def test_options_go_before_run_json(tmp_path: Path) -> None:
    root = whole_run(tmp_path / "r")
    run = one(root, Identity(machine="other", repetition=0))
    assert (run.identity.machine, run.identity.repetition) == ("other", 0)
    assert run.identity.role == "server"
    assert run.content_hash == one(root).content_hash
    write(tmp_path, {"x.pcap": PCAP})
    assert one(tmp_path / "x.pcap", Identity(machine="m")).identity == Identity(machine="m")


ENV: dict[str, str | int] = {
    "hostname": "kestrel-server",
    "domain": "kernel",
    "kernel_release": "6.12.107+deb13-amd64",
    "tracer_name": "lttng-modules",
    "tracer_major": 2,
    "tracer_minor": 13,
    "tracer_patchlevel": 18,
}


def lone(tmp_path: Path, name: str, stated: object = None) -> Run:
    root = write(tmp_path / name, {"p.pcap": PCAP})
    if stated is not None:
        write(root, {"run.json": json.dumps(stated)})
    return one(root)


def test_the_trace_completes_an_identity(tmp_path: Path) -> None:
    expected = Identity(
        machine="kestrel-server", kernel="6.12.107+deb13-amd64", tracer="lttng-modules 2.13.18"
    )
    assert runs.complete(lone(tmp_path, "a"), ENV) == expected
    assert runs.complete(lone(tmp_path, "a"), {}) == Identity()
    partly = runs.complete(lone(tmp_path, "b", {"machine": "m", "tracer": "t"}), ENV)
    assert partly == Identity(machine="m", kernel="6.12.107+deb13-amd64", tracer="t")
    assert runs.complete(lone(tmp_path, "a"), {"tracer_name": "t"}).tracer == "t"
    hostile = runs.complete(lone(tmp_path, "a"), {"hostname": "x\x1b\udcff" + "y" * 9999})
    assert hostile.machine is not None
    assert hostile.machine.encode().startswith("x\x1b\ufffdyy".encode())
    assert len(hostile.machine) == 256


@pytest.mark.parametrize(
    ("hostname", "machine"),
    [
        ("kestrel-server", "kestrel"),
        ("kestrel", "kestrel"),
        ("kestrel-server.lan", "kestrel"),
        ("kestrel-client", "kestrel-client"),
        ("other", "other"),
        ("", "kestrel"),
    ],
)
def test_host_name_against_path(tmp_path: Path, hostname: str, machine: str) -> None:
    run = lone(tmp_path, "kestrel-server-handshake-007")
    identity = runs.complete(run, {"hostname": hostname})
    assert identity == Identity(machine, "server", "handshake", 7)


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("k-client-load-12", Identity("k", "client", "load", 12)),
        ("big-host-server-two-words-001", Identity("big-host", "server", "two-words", 1)),
        ("kestrel-server-handshake", Identity()),
        ("my-server-room", Identity()),
        ("kestrel-router-handshake-001", Identity()),
        ("k-server-x-99999999999", Identity()),
        ("-server-x-1", Identity()),
    ],
)
def test_identity_from_the_path(tmp_path: Path, name: str, identity: Identity) -> None:
    assert runs.complete(lone(tmp_path, name), {}) == identity
    packed = one(pack(tmp_path / name, tmp_path / "a.tar", name))
    assert runs.complete(packed, {}) == identity
    write(tmp_path / name / "sub", {"x.pcap": PCAP})
    assert runs.complete(one(tmp_path / name / "sub/x.pcap"), {}) == identity


def test_run_json_goes_before_trace_and_path(tmp_path: Path) -> None:
    run = lone(tmp_path, "kestrel-server-handshake-007", {"machine": "m", "repetition": 2})
    identity = runs.complete(run, ENV)
    assert (identity.machine, identity.role, identity.repetition) == ("m", "server", 2)
