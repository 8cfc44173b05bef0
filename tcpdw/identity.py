"""What a run is: its machine, role, experiment and so on, and where each is learnt from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import cast

from tcpdw.errors import RunError
from tcpdw.printable import printable
from tcpdw.run_files import first_bytes, run_error

_RUN_NAME = re.compile(
    r"(?P<machine>.+?)-(?P<role>server|client)-(?P<experiment>.+)-(?P<repetition>\d{1,9})"
)
_MAX_RUN_JSON = 1 << 20
_TEXTS = (
    "machine", "role", "experiment", "kernel", "cpu_model", "interface", "driver", "tracer",
)  # fmt: skip
_NUMBERS = {
    "repetition": ("repetition", 0, 2**31 - 1),
    "started_at_ns": ("started_at", 0, 2**63 - 1),
    "cpus": ("cpus", 1, 2**16),
}
_MAX_TEXT = 256


@dataclass(frozen=True, slots=True)
class Identity:
    """What a run is; None where nobody said. `started_at`: ns since the Unix epoch."""

    machine: str | None = None
    role: str | None = None
    experiment: str | None = None
    repetition: int | None = None
    started_at: int | None = None
    kernel: str | None = None
    cpu_model: str | None = None
    interface: str | None = None
    driver: str | None = None
    tracer: str | None = None
    cpus: int | None = None


def completed(known: Identity, env: Mapping[str, str | int], names: Iterable[str]) -> Identity:
    """Fill what `known` lacks from a trace's environment, then from the names in the run's path.

    `env` is LTTng's: `hostname`, `kernel_release`, `tracer_name` and `tracer_major` and on. The
    first name counts that reads MACHINE-ROLE-EXPERIMENT-REPETITION, ROLE server or client. Guests
    are often called MACHINE-ROLE: where host name and path agree on that, the machine is MACHINE,
    so that both ends of a run count as one; otherwise the host name stands.
    """
    path = _identity_of_names(names)
    host = _text(env.get("hostname"))
    if path.machine and host:
        short = host.split(".")[0]
        if short in (path.machine, f"{path.machine}-{path.role}"):
            host = path.machine
    version = [_text(env.get(f"tracer_{part}")) for part in ("major", "minor", "patchlevel")]
    number = ".".join(part for part in version if part is not None)
    tracer = " ".join(part for part in (_text(env.get("tracer_name")), number) if part)
    from_env = Identity(
        machine=host, kernel=_text(env.get("kernel_release")), tracer=tracer or None
    )
    return first_known(_storable(known), from_env, path)


def first_known(*identities: Identity) -> Identity:
    """Return, field by field, the first that is known."""
    known: dict[str, object] = {}
    for item in fields(Identity):
        values = (getattr(identity, item.name) for identity in identities)
        known[item.name] = next((value for value in values if value is not None), None)
    return Identity(**known)  # type: ignore[arg-type]


def _storable(identity: Identity) -> Identity:
    # What comes from the command line may be any bytes; the database takes UTF-8 alone.
    texts = {name: _text(getattr(identity, name)) for name in _TEXTS}
    return replace(identity, **texts)


def _text(value: object) -> str | None:
    if not isinstance(value, str | int):
        return None
    return _in_utf8(str(value).strip()[:_MAX_TEXT]) or None


def _in_utf8(text: str) -> str:
    """Return `text` with U+FFFD for half characters, which neither UTF-8 nor a database can hold.

    All else is data, control characters too: whoever shows a text makes it harmless.
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _identity_of_names(names: Iterable[str]) -> Identity:
    for name in names:
        if match := _RUN_NAME.fullmatch(printable(name)):
            machine, role, experiment, repetition = match.groups()
            return Identity(machine, role, experiment, int(repetition))
    return Identity()


def read_run_json(path: Path) -> Identity:
    """Read the fields of `Identity` that a `run.json` states; other fields are left alone.

    A text is taken as it is, whatever it holds; what is no UTF-8 becomes U+FFFD. Raises `RunError`
    for what is no JSON object, is over 1 MiB, or gives a field a wrong type, a number out of range,
    or text that is empty or too long.
    """
    import json  # with its decoder, not needed to find runs

    raw = first_bytes(path, _MAX_RUN_JSON + 1)
    if len(raw) > _MAX_RUN_JSON:
        raise run_error(path, f"is larger than {_MAX_RUN_JSON:,} bytes")
    try:
        text = raw.decode("utf-8-sig", "replace")
        stated = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_repeats)
    except json.JSONDecodeError as error:
        message = f"is no JSON: {error.msg} in column {error.colno}"
        raise run_error(path, message, line=error.lineno, cause=error) from error
    except (ValueError, RecursionError) as error:
        raise run_error(path, f"is no JSON: {error}", cause=error) from error
    if not isinstance(stated, dict):
        raise run_error(path, "is no JSON object", 'write {"machine": "...", ...}')
    return _stated_identity(path, text, cast("dict[str, object]", stated))


def _stated_identity(path: Path, text: str, stated: Mapping[str, object]) -> Identity:
    known: dict[str, str | int] = {}

    def wrong(field: str, what: str) -> RunError:
        places = [match.start() for match in re.finditer(rf'"{field}"\s*:', text)]
        line = text.count("\n", 0, places[0]) + 1 if len(places) == 1 else None
        shown = printable(repr(stated[field])[:60])
        return run_error(path, f"field {field} is {shown}, {what}", line=line)

    for field in _TEXTS:
        value = stated.get(field)
        if isinstance(value, str):
            value = _in_utf8(value.strip())
            if not 0 < len(value) <= _MAX_TEXT:
                raise wrong(field, f"not 1 to {_MAX_TEXT} characters")
            known[field] = value
        elif value is not None:
            raise wrong(field, "not a text")
    for field, (name, least, most) in _NUMBERS.items():
        value = stated.get(field)
        if isinstance(value, int) and not isinstance(value, bool):
            if not least <= value <= most:
                raise wrong(field, f"not from {least} to {most}")
            known[name] = value
        elif value is not None:
            raise wrong(field, "not a whole number")
    return Identity(**known)  # type: ignore[arg-type]


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _no_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the field {name[:60]!r} comes twice")
        found[name] = value
    return found
