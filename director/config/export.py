"""The merged configuration as one ini: includes, orders on top, paths absolute, secrets masked.

`export` is what `director config export` prints.  Variables stand as their values; what came out of a
`${file:…}` and passwords are masked, so the text may be shown around.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from director.config.loaded import Loaded
from director.config.schema.shape import Key
from director.config.schema.tables import key_of, kind_of
from director.config.text.reader import Item, Section
from director.config.text.sources import resolve

MASK = "***"

_UNIX = re.compile(r"(?<![\w:])unix:(?!/)([^\s,:]+)")


Orders = Mapping[tuple[str, str], Mapping[str, int | str]]
"""What commands changed, by pool and server: `weight`, `max`, `min`, and `state`, which no ini can say."""


def export(loaded: Loaded, orders: Orders | None = None) -> str:
    """All sections in the order they were read; `[director]` without `include`.

    Each server whose line commands changed has a comment above it with what the file says.
    """
    head = "".join(f"# from {file}\n" for file in loaded.document.files)
    sections = loaded.document.sections.values()
    return head + "".join(_section(section, orders or {}) for section in sections)


def _section(section: Section, orders: Orders) -> str:
    lines = [f"\n[{section.title}]"]
    kind = kind_of(section.kind, named=bool(section.name))
    for item in section.items.values():
        if section.title == "director" and item.key == "include":
            continue
        text = _text(item, key_of(kind, item.key) if kind else None)
        pool, server = section.name, item.key.removeprefix("server.")
        order = orders.get((pool, server)) if section.kind == "pool" and server != item.key else None
        lines += _item(item.key, text) if order is None else _ordered(item.key, text, order)
    return "\n".join(lines) + "\n"


def _ordered(key: str, text: str, order: Mapping[str, int | str]) -> Iterator[str]:
    """A server's line with what commands changed."""
    words = " ".join(text.split())
    changes = dict(order)
    state = changes.pop("state", "")
    if state:
        yield f"# by command: {state}"
    if changes:
        yield f"# changed by command; the file says: {words}"
    kept = [word for word in words.split(" ") if word.partition("=")[0] not in changes]
    yield " ".join([key, "=", *kept, *(f"{name}={value}" for name, value in changes.items())])


def _item(key: str, text: str) -> Iterator[str]:
    first, *rest = text.split("\n")
    yield f"{key} = {first}".rstrip()
    yield from (f"    {line}" for line in rest if line.strip())


def _text(item: Item, key: Key | None) -> str:
    """The value after variables, fit to be read again."""
    if item.key == "password":
        return MASK
    text = item.value.text
    for secret in item.value.secrets:
        text = text.replace(secret, MASK)
    if key is not None and key.path and text not in {"stdout", "off"}:
        text = resolve(item.value.file, text)
    else:
        text = _UNIX.sub(lambda found: f"unix:{resolve(item.value.file, found[1])}", text)
    return re.sub(r"\$(?=[${])", "$$", text)
