"""The merged configuration as one ini: includes, orders on top, paths absolute, secrets masked.

`export` is what `director config export` prints.  What nobody changed stands in the file's own words, with
variables as their values; what a command changed, made or removed says so in a comment beside it, and stands
in the words of `writing`.  Read again, it makes the configuration that runs.

The text may be shown around: what came out of a `${file:…}`, or of a variable whose name speaks of a secret,
stays a variable.  A password is masked, and since no program could take a masked one, its section stands as
a comment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from director.config.loaded import Loaded
from director.config.schema.shape import Kind
from director.config.schema.tables import key_of, kind_of
from director.config.text.reader import Item, Section
from director.config.text.sources import resolve
from director.config.writing.sections import WRITERS, SectionWriter
from director.model.pools import State
from director.model.settings import Configuration

MASK = "***"
SERVER = "server."

_UNIX = re.compile(r"(?<![\w:])unix:(?!/)([^\s,:]+)")
_PROGRAM = re.compile(r"\A[^\s\"'\\]*/[^\s\"'\\]*")
_FILE = re.compile(r"\$\$|\$\{file:([^}]*)\}")

States = Mapping[tuple[str, str], State]
"""What commands ordered servers to, by pool and name; no ini can say it."""


def export(loaded: Loaded, running: Configuration | None = None, states: States | None = None) -> str:
    """All sections in the order they were read, then those that commands made.

    `running` is the configuration that runs, what was read where it is None.
    """
    read = loaded.configuration or Configuration()
    now = read if running is None else running
    known, present, states = _by_title(read), _by_title(now), states or {}
    pieces = [f"# from {file}\n" for file in loaded.document.files]
    for title, section in loaded.document.sections.items():
        pieces.append(_section(section, known.get(title), present.get(title), states))
    pieces += [_made(*thing, states) for title, thing in present.items() if title not in known]
    return "".join(pieces) + _unsaid(read, now)


def _by_title(configuration: Configuration) -> dict[str, tuple[SectionWriter, Any]]:
    """What commands may change, with its writer, by the title of its section."""
    found: dict[str, tuple[SectionWriter, Any]] = {}
    for kind, writer in WRITERS.items():
        things = getattr(configuration, kind)
        for thing in things if isinstance(things, tuple) else (things,):
            if thing is not None:
                found[writer.title(thing)] = writer, thing
    return found


Known = tuple[SectionWriter, Any] | None
"""A thing and its writer; None where it is not."""


def _section(section: Section, before: Known, after: Known, states: States) -> str:
    if before is not None and after is None:
        return f"\n# removed by command: [{section.title}]\n"
    kind = kind_of(section.kind, named=bool(section.name))
    items = [item for item in section.items.values() if (section.title, item.key) != ("director", "include")]
    lines = {item.key: [*_item(item.key, _text(item, kind))] for item in items}
    if before is not None and after is not None and before[1] is not after[1]:
        writer = before[0]
        lines = _changed(lines, writer.said(before[1]), writer.said(after[1]))
    text = _whole(section.title, lines, states)
    password = section.items.get("password")
    if password is not None and not password.value.secrets:
        why = f"# [{section.title}] as a comment: its password is masked; put the hash in\n"
        text = why + "".join(f"#{line}\n" for line in text.splitlines())
    return f"\n{text}"


def _made(writer: SectionWriter, thing: Any, states: States) -> str:
    """What only a command has made."""
    lines = {key: [*_item(key, _dollars(text))] for key, text in writer.said(thing).items()}
    return f"\n# by command\n{_whole(writer.title(thing), lines, states)}"


def _whole(title: str, lines: Mapping[str, Iterable[str]], states: States) -> str:
    """A section; the servers of a pool with what they were ordered to."""
    kind, _, name = title.partition(":")
    text = f"[{title}]\n"
    for key, of_key in lines.items():
        state = states.get((name, key.removeprefix(SERVER))) if kind == "pool" else None
        text += f"# by command: {state.value}\n" if state is not None and key.startswith(SERVER) else ""
        text += "".join(f"{line}\n" for line in of_key)
    return text


def _changed(
    lines: Mapping[str, list[str]], old: Mapping[str, str], new: Mapping[str, str]
) -> dict[str, list[str]]:
    """The lines by key, where commands changed some of what they say."""
    found: dict[str, list[str]] = {}
    for key in _order(lines, new):
        before = lines.get(key, [])
        if old.get(key) == new.get(key):
            found[key] = before
        elif key in new:
            why = "changed by command; the file says"
            found[key] = [_comment(why, before), *_item(key, _dollars(new[key]))]
        else:
            found[key] = [_comment("taken away by command", before)]
    return found


def _order(lines: Iterable[str], new: Iterable[str]) -> list[str]:
    """The file's order, and what is new behind it; servers stand together in the order they have now."""
    keys = dict.fromkeys((*lines, *new))
    servers = dict.fromkeys(key for key in new if key.startswith(SERVER))
    if [key for key in keys if key in servers] == [*servers]:
        return [*keys]
    found: list[str] = []
    for key in keys:
        if not key.startswith(SERVER) or key not in servers:
            found.append(key)
        elif servers:
            found += servers
            servers = {}
    return [*dict.fromkeys(found)]


def _comment(why: str, lines: Iterable[str]) -> str:
    """What the file says, where it does, on one line."""
    text = " ".join(line.strip() for line in lines)
    return f"# {why}: {text}" if text else "# by command"


def _unsaid(read: Configuration, now: Configuration) -> str:
    """Kinds that differ and that have no words here: after the undo of a reload."""
    kinds = [one.name for one in attrs.fields(Configuration) if one.name not in WRITERS]
    other = ", ".join(kind for kind in kinds if getattr(read, kind) != getattr(now, kind))
    return f"\n# other than the file says, by command, and not in this text: {other}\n" if other else ""


def _item(key: str, text: str) -> Iterator[str]:
    first, *rest = text.split("\n")
    yield f"{key} = {first}".rstrip()
    yield from (f"    {line}" for line in rest if line.strip())


def _dollars(text: str) -> str:
    """A text fit to be read again, where `$$` and `${` mean something."""
    return re.sub(r"\$(?=[${])", "$$", text)


def _text(item: Item, kind: Kind | None) -> str:
    """The value after variables, fit to be read again."""
    key = key_of(kind, item.key) if kind is not None else None
    is_path = key is not None and key.path
    if item.value.secrets and not is_path:
        return _FILE.sub(_whole_path(item), item.value.raw)
    if item.key == "password":
        return MASK
    text = item.value.text
    for secret in item.value.secrets:
        text = text.replace(secret, MASK)
    if is_path and text not in {"stdout", "off"}:
        text = resolve(item.value.file, text)
    elif item.key == "exec":
        text = _PROGRAM.sub(lambda found: resolve(item.value.file, found[0]), text)
    else:
        text = _UNIX.sub(lambda found: f"unix:{resolve(item.value.file, found[1])}", text)
    return _dollars(text)


def _whole_path(item: Item) -> Callable[[re.Match[str]], str]:
    def whole(found: re.Match[str]) -> str:
        return f"${{file:{resolve(item.value.file, found[1])}}}" if found[1] else found[0]

    return whole
