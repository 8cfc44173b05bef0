"""HTML pages that stand alone: one file with its style, scripts, charts and numbers.

A page asks for nothing: its Content-Security-Policy refuses every connection, and runs only the
scripts whose digests it names. Names from traces are data wherever they appear: Jinja2 escapes
them, control characters are shown as escapes, and the charts' data lie in JSON that no name can
end. Templates are in `templates/`; one that extends `base.html` fills its blocks and includes
`parts.html` for charts and tables.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tcpdw import kept_files
from tcpdw.errors import TcpdwError
from tcpdw.output import clean
from tcpdw.report import theme

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).parent / "templates"

_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
    # Vega places its tooltip by style attributes.
    "style-src 'unsafe-inline'; script-src "
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table: what is shown, and the exact value that it stands for.

    `value`: for `<data value=...>`, durations in ns; `kind`: CSS classes; `mark`: the number of
    the group whose mark stands before the text; `title`: more, shown on hover.
    """

    text: str
    value: int | float | None = None
    kind: str = ""
    mark: int | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption; `numeric`: the columns that stand to the right.

    The first cell of a row is its heading. A plain string is a cell without more.
    """

    caption: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell | str]]
    numeric: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rows:
    """A chart's data: columns, and rows of strings, numbers, booleans and None."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]

    @property
    def packed(self) -> Mapping[str, Any]:
        """Give the same with each text once: `texts` by column, and its place in the rows."""
        texts: dict[int, dict[str, int]] = {}
        for place in range(len(self.columns)):
            values = [row[place] for row in self.rows]
            if values and all(isinstance(value, str) for value in values):
                distinct = dict.fromkeys(cast("list[str]", values))
                texts[place] = {text: number for number, text in enumerate(distinct)}
        packed = [
            [texts[place][str(v)] if place in texts else v for place, v in enumerate(row)]
            for row in self.rows
        ]
        return {
            "columns": self.columns,
            "texts": {place: list(known) for place, known in texts.items()},
            "rows": packed,
        }


@dataclass(frozen=True)
class Chart:
    """A chart: a Vega-Lite specification and what stands for it where it is not seen.

    `id`: an HTML id, its own on the page; `label`: what it shows, in a sentence or two, for people
    who do not see it; `spec`: as Altair's `to_dict()` gives it, in colours `var(--NAME)` of
    `theme.COLOURS`, so that it follows the page's theme; `data`: what the specification calls by
    name (`{"data": {"name": ...}}`); `caption`: words below it; `numbers`: the table of its
    numbers, folded.
    """

    id: str
    label: str
    spec: Mapping[str, Any]
    data: Mapping[str, Rows] = field(default_factory=dict[str, Rows])
    caption: str = ""
    numbers: Table | None = None
    kind: str = ""

    def source(self, specs: dict[str, int] | None = None) -> Mapping[str, Any]:
        """Give what the page's script makes the chart from.

        In `specs` what charts have in common, all but their parameters, is there once, as JSON with
        its number.
        """
        data = {name: rows.packed for name, rows in self.data.items()}
        if specs is None:
            return {"spec": self.spec, "data": data}
        common = {key: value for key, value in self.spec.items() if key != "params"}
        number = specs.setdefault(as_json(common), len(specs))
        return {"like": number, "params": self.spec.get("params", []), "data": data}

    def standing_alone(self, *, dark: bool = False) -> dict[str, Any]:
        """Give the whole specification, data and colours in it, as Vega-Lite takes it anywhere."""
        datasets = {
            name: [dict(zip(rows.columns, row, strict=True)) for row in rows.rows]
            for name, rows in self.data.items()
        }
        spec = {**self.spec, "config": _config(self.spec)}
        background = {"background": theme.COLOURS["paper"][dark]}
        known = cast("Mapping[str, Any]", spec.get("datasets", {}))
        whole = {**cast("dict[str, Any]", theme.resolved(spec, dark=dark)), **background}
        return {**whole, "datasets": cleaned({**known, **datasets})}


def _config(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Give the house's configuration; what the chart itself says goes first."""
    own = cast("Mapping[str, Any]", spec.get("config", {}))
    mixed = dict(theme.CONFIG)
    for key, value in own.items():
        both = isinstance(value, Mapping) and isinstance(mixed.get(key), Mapping)
        mixed[key] = {**mixed[key], **value} if both else value
    return mixed


def render(template: str, *, title: str, scripts: Sequence[str] = (), **values: object) -> str:
    """Give a page: `template` of `templates/`, with `values`.

    `title` is the page's; `scripts` names files of `templates/` that run after the page's own. In
    them `tcpdw.chart(ID)` is a promise of a chart's Vega view.
    """
    sources = [vega_bundle(), *(_text(name) for name in ("page.js", *scripts))]
    digests = " ".join(f"'sha256-{_digest(source)}'" for source in sources)
    return (
        _environment()
        .get_template(template)
        .render(
            title=title,
            policy=_POLICY + digests,
            # A page's own scripts and style are no data: they stand as they are.
            scripts=[_verbatim(source) for source in sources],
            style=_verbatim(_text("page.css")),
            light=_verbatim(theme.css(dark=False)),
            dark=_verbatim(theme.css(dark=True)),
            config=theme.CONFIG,
            specs={},
            **values,
        )
    )


def write(path: Path, content: str | bytes) -> None:
    """Write a page or picture to a file, in whole or not at all.

    Raises TcpdwError where it cannot be.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".tcpdw-", delete=False) as file:
            scratch = Path(file.name)
            file.write(content.encode() if isinstance(content, str) else content)
        try:
            # A temporary file is its owner's alone; a page is as any other file.
            mask = os.umask(0)
            os.umask(mask)
            scratch.chmod(0o666 & ~mask)
            scratch.replace(path)
        except OSError:
            scratch.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise TcpdwError(
            f"cannot be written: {error.strerror}", path=path, hint="name another file"
        ) from error


def cleaned(value: Any) -> Any:
    """Give data whose texts are safe to show: control characters and half characters as escapes."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {key: cleaned(item) for key, item in items}
    if isinstance(value, list | tuple):
        return [cleaned(item) for item in cast("list[Any]", value)]
    return value


def as_json(value: Any) -> str:
    """Write JSON that stands in a `<script>`: nothing in it can end the element."""
    text = json.dumps(cleaned(value), separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def vega_bundle() -> str:
    """Give Vega, Vega-Lite and vega-embed as one script; kept in the user's cache once made."""
    from importlib.metadata import version

    name = f"{kept_files.digest(version('vl-convert-python').encode())}.vega"
    kept = kept_files.read(name)
    if kept is None:
        import vl_convert

        made = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
        kept = made.replace("</script", "<\\/script").encode()
        kept_files.write(name, kept, 1)
    return kept.decode()


def _digest(source: str) -> str:
    return base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


@cache
def _text(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _verbatim(text: str) -> object:
    import markupsafe

    return markupsafe.Markup(text)


def _embedded(value: object) -> object:
    return _verbatim(as_json(value))


def _listed(texts: Iterable[str]) -> object:
    """Join what is JSON already to an array."""
    return _verbatim(f"[{','.join(texts)}]")


def _shown(value: object) -> object:
    """Make what a template prints safe to show; markup is the templates' own."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return clean(value)
    return value


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    filters = cast("dict[str, Any]", environment.filters)
    filters["embedded"] = _embedded
    filters["listed"] = _listed
    return environment
