"""The merged configuration as one ini: includes followed, paths absolute, secrets masked.

`export` is what `director config export` prints.  Variables stand as their values; what came out of a
`${file:…}` and passwords are masked, so the text may be shown around.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from director.config.loaded import Loaded
from director.config.reader import Item, Section
from director.config.schema.shape import Key
from director.config.schema.tables import key_of, kind_of
from director.config.sources import resolve

MASK = "***"

_UNIX = re.compile(r"(?<![\w:])unix:(?!/)([^\s,:]+)")


def export(loaded: Loaded) -> str:
    """All sections in the order they were read; `[director]` without `include`."""
    head = "".join(f"# from {file}\n" for file in loaded.document.files)
    return head + "".join(_section(section) for section in loaded.document.sections.values())


def _section(section: Section) -> str:
    lines = [f"\n[{section.title}]"]
    kind = kind_of(section.kind, named=bool(section.name))
    for item in section.items.values():
        if section.title == "director" and item.key == "include":
            continue
        key = key_of(kind, item.key) if kind else None
        lines += _item(item, key)
    return "\n".join(lines) + "\n"


def _item(item: Item, key: Key | None) -> Iterator[str]:
    first, *rest = _text(item, key).split("\n")
    yield f"{item.key} = {first}".rstrip()
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
