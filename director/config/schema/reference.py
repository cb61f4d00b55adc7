"""The reference of the configuration as Markdown, made from the tables.

`docs/reference/config.md` is the output of `markdown()`; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator

from director.config.schema.l4 import WITHOUT_MEANING
from director.config.schema.shape import Key, Kind
from director.config.schema.tables import KINDS, UNAVAILABLE, availability

_HEAD = """\
# Configuration reference

This page is made from the tables in `director/config/schema`; `director check FILE` knows the same keys.

A file has sections `[kind:name]` of `key = value` lines. An indented line continues the value above it.
Comments stand on lines of their own and begin with `#` or `;`. A relative path is relative to the file
that names it. `${VAR}`, `${VAR:-default}` and `${file:/path}` are replaced by the environment's variable or
the file's content, and `$$` is a dollar sign.

| form | written as |
|---|---|
| duration | a number and a unit, `us` (budgets only) `ms s m h d`, also `1h30m` |
| size | a number of bytes, or with `k`, `m`, `g` (powers of 1024) |
| address | `:80`, `10.0.0.1:80`, `[::1]:80`, `unix:/run/x.sock`, or a Twisted endpoint string |
| list | commas or white space between; also on indented lines |
"""


def markdown() -> str:
    """The whole page."""
    return "\n".join(line for part in _parts() for line in part) + "\n"


def _parts() -> Iterator[Iterator[str]]:
    yield iter([_HEAD])
    for kind in KINDS:
        yield _section(kind)


def _section(kind: Kind) -> Iterator[str]:
    yield f"## `{kind.heading}`"
    yield ""
    yield kind.doc
    yield ""
    closed = availability(kind, "")
    if closed:
        yield f"*Checked but refused: {closed}.*"
        yield ""
    for key in kind.keys:
        yield from _key(kind, key)
    if (kind.kind, kind.named) == ("l4", ""):
        yield from _without_meaning()


def _key(kind: Kind, key: Key) -> Iterator[str]:
    yield f"### `{key.name}`"
    yield ""
    yield f"{key.doc}"
    yield ""
    yield f"* takes: {key.takes}"
    if key.required:
        yield "* required"
    elif key.default:
        yield f"* default: `{key.default}`"
    if key.example:
        yield f"* example: `{key.name} = {key.example}`"
    closed = availability(kind, key.name)
    if closed:
        partly = any(row.key == key.name and row.when for row in UNAVAILABLE if row.kind == kind.kind)
        yield f"* not yet: {closed}" + (" (other values than the default)" if partly else "")
    yield ""


def _without_meaning() -> Iterator[str]:
    yield "These sysctls of IPVS have no meaning here and are refused:"
    yield ""
    for name, reason in WITHOUT_MEANING.items():
        yield f"* `{name}`: {reason}"
    yield ""
