"""From the first file to one document: includes, variables, and nothing named twice.

`gather` is called by `io/load` (real files) and by tests (a mapping); reading, globbing and the
environment come in as callables and a mapping, so this room has no file system of its own.
`build` takes the `Document`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping

from attrs import define, evolve, field, frozen

from director.config.text.messages import Findings, Position
from director.config.text.reader import Item, Piece, Section, Value, decode, parse

Read = Callable[[str], bytes]
"""Path to content; raises OSError, whose `strerror` is printed."""

Glob = Callable[[str], Iterable[str]]
"""Pattern to the existing paths that match, in any order."""

_MAGIC = re.compile(r"[*?\[]")
_VARIABLE = re.compile(r"\$\$|\$\{([^}\n]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

_SECRET_NAME = re.compile(
    r"(?i)(?:^|_)(?:pass(?:word|wd|phrase)?|secret|token|credentials?|(?:api|private)_?key)(?:_|\Z)"
)
"""Names of variables of the environment whose values are secrets, by what such variables are called."""

MOST_FILES = 10_000
"""Files of one configuration."""


@frozen
class World:
    """What the pure room may ask for: files, matching paths, the environment."""

    read: Read
    glob: Glob
    environ: Mapping[str, str]


@define
class Document:
    """All sections of all files by title, in order, and the files they came from."""

    files: list[str] = field(factory=list)
    sections: dict[str, Section] = field(factory=dict)

    def position_of(self, section: str, key: str = "") -> Position:
        """The place of a key's value, of its section if the key is not set, or of the first file."""
        found = self.sections.get(section)
        if found is None:
            return Position(self.files[0] if self.files else "")
        return found.items[key].value.at() if key in found.items else found.place


def gather(path: str, world: World, findings: Findings) -> Document:
    """Read `path` and all that it includes."""
    document = Document()
    _Gather(world, findings, document).load(path, (), None)
    return document


def resolve(file: str, path: str) -> str:
    """`path` as named in `file`: relative paths are relative to that file."""
    if path.startswith("/"):
        return posixpath.normpath(path)
    return posixpath.normpath(posixpath.join(posixpath.dirname(file), path))


class _Gather:
    """One run over all files."""

    def __init__(self, world: World, findings: Findings, document: Document) -> None:
        self.world = world
        self.findings = findings
        self.document = document

    def load(self, path: str, chain: tuple[str, ...], asked: tuple[Section, Item, Position] | None) -> None:
        """Read one file and then what it includes; `asked` is the include that names it."""
        if path in chain:
            shown = " -> ".join((*chain[chain.index(path) :], path))
            self.refuse(asked, path, f"includes itself: {shown}", "remove one of these includes")
            return
        if path in self.document.files:
            return
        if len(self.document.files) >= MOST_FILES:
            self.refuse(asked, path, f"more than {MOST_FILES} files", "put several sections into one file")
            return
        try:
            data = self.world.read(path)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            self.refuse(asked, path, f"cannot read {path}: {reason}", "")
            return
        self.document.files.append(path)
        text = decode(path, data, self.findings)
        if text is None:
            return
        sections = parse(path, text, self.findings)
        for section in sections:
            self.enter(section)
        for section in sections:
            item = section.items.get("include")
            if section.title == "director" and item is not None and not item.value.incomplete:
                self.follow(section, item, (*chain, path))

    def refuse(self, asked: tuple[Section, Item, Position] | None, path: str, text: str, hint: str) -> None:
        if asked is None:
            self.findings.add(Position(path), text, hint=hint or "name the file that holds [director]")
            return
        section, item, place = asked
        hint = hint or "correct the path (it is relative to this file) or write a pattern, as in conf.d/*.ini"
        self.findings.add(place, text, section=section.title, key="include", value=item.value.raw, hint=hint)

    def enter(self, section: Section) -> None:
        """Put in the variables and add the section to the document."""
        for key, item in section.items.items():
            if "$" in item.value.text:
                value = self.substitute(section, key, item.value)
                section.items[key] = evolve(item, value=value)
        first = self.document.sections.setdefault(section.title, section)
        if first is section:
            return
        if section.title == "director":
            self.merge(first, section)
            return
        self.findings.add(
            section.place,
            f"the section is already at {first.place}",
            section=section.title,
            hint="give one of the two another name, or put all keys into one",
        )

    def merge(self, first: Section, second: Section) -> None:
        """`[director]` may stand in several files, as long as they set different keys."""
        for key, item in second.items.items():
            held = first.items.setdefault(key, item)
            if held is not item and key != "include":
                self.findings.add(
                    item.place,
                    f"the key is already set at {Position(held.value.file, held.line)}",
                    section=second.title,
                    key=key,
                    value=item.value.raw,
                    hint="remove one of the two lines",
                )

    def follow(self, section: Section, item: Item, chain: tuple[str, ...]) -> None:
        """Load what `include = a.ini, conf.d/*.ini` names: in order, a pattern's files sorted."""
        for found in re.finditer(r"[^,\n]+", item.value.text):
            pattern = found[0].strip()
            if not pattern:
                continue
            place = item.value.at(found.start() + len(found[0]) - len(found[0].lstrip()))
            path = resolve(item.value.file, pattern)
            paths = sorted(self.world.glob(path)) if _MAGIC.search(pattern) else [path]
            for one in paths:
                self.load(posixpath.normpath(one), chain, (section, item, place))

    def substitute(self, section: Section, key: str, value: Value) -> Value:
        """`value` with `${…}` and `$$` replaced; characters put in are shown at the variable's place."""
        text, at = "", 0
        pieces: list[Piece] = []
        secrets: list[str] = []
        incomplete = False

        def copy(end: int) -> None:
            nonlocal text
            for index, piece in enumerate(value.pieces):
                stop = value.pieces[index + 1].offset if index + 1 < len(value.pieces) else len(value.raw)
                start = max(at, piece.offset)
                if start < min(end, stop):
                    column = piece.column + start - piece.offset
                    pieces.append(Piece(len(text), piece.line, column, piece.line_text))
                    text += value.raw[start : min(end, stop)]

        for found in _VARIABLE.finditer(value.raw):
            copy(found.start())
            place = value.at(found.start())
            put = "$" if found[0] == "$$" else self.variable(section, key, value, found, secrets)
            pieces.append(Piece(len(text), place.line, place.column, place.line_text, fixed=True))
            incomplete = incomplete or put is None
            text += put or ""
            at = found.end()
        copy(len(value.raw))
        made = tuple(pieces) or value.pieces
        return Value(text, value.raw, value.file, made, tuple(secrets), incomplete)

    def variable(
        self, section: Section, key: str, value: Value, found: re.Match[str], secrets: list[str]
    ) -> str | None:
        """What `${…}` stands for; None with a problem when it stands for nothing."""
        inner, closed = found[1], found[2]
        name, default, fallback = inner.partition(":-")
        put, text, hint = "", "", "write $$ for a dollar sign, so $${name} for a captured group"
        if not closed:
            text = "${ without }"
        elif inner.startswith("file:"):
            put, text = self.content(resolve(value.file, inner[5:]))
            secrets += [put] if put else []
            hint = "correct the path or the rights of the file"
        elif not _NAME.match(name):
            text = f"not a variable: ${{{inner}}}"
        elif "${" in fallback:
            text, hint = "a variable in the default of another", "write the default as it shall be"
        elif name in self.world.environ and (self.world.environ[name] or not default):
            put = self.world.environ[name]
            secrets += [put] if put and _SECRET_NAME.search(name) else []
        elif default:
            put = fallback
        else:
            text = f"the environment has no {name}"
            hint = f"set it, or give a default as in ${{{name}:-…}}; $${{{name}}} is a captured group"
        if not text and _FORBIDDEN.search(put):
            text, hint = f"${{{inner}}} holds control characters", "a value is plain text"
        if text:
            place = value.at(found.start())
            self.findings.add(place, text, section=section.title, key=key, value=value.raw, hint=hint)
            return None
        return put

    def content(self, path: str) -> tuple[str, str]:
        """The text of a secret's file without its last newline, or '' and what is wrong."""
        try:
            return self.world.read(path).decode().removesuffix("\n").removesuffix("\r"), ""
        except OSError as error:
            return "", f"cannot read {path}: {error.strerror or type(error).__name__}"
        except UnicodeDecodeError:
            return "", f"{path} is not text in UTF-8"
