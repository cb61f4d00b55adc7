"""Ini text into sections whose every value knows where it stands.

`parse` reads the text of one file and never fails: what is wrong goes into `Findings`, and reading goes
on at the next line.  It is called by `sources`, which follows includes and puts in variables.  Knows the
grammar of lines only: no section, no key, no file system.

Grammar: `[kind:name]` or `[kind]`; `key = value` (two keys hold a word more, see `_PAIR`); an indented
line continues the value above it (joined by a newline); comments stand on lines of their own and begin with
`#` or `;`.
"""

from __future__ import annotations

import re

from attrs import define, frozen

from director.config.text import foreign
from director.config.text.messages import Findings, Position

_HEADER = re.compile(r"\[\s*([^\]]*?)\s*\]\s*\Z")
_PAIR = re.compile(r"((?:step|expect)[ \t]+[^=\s]+|[^=\s]+)\s*=\s*")
"""A key is one word; these two hold a word more (`step 10s`, `expect during`)."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")

LARGEST = 32 * 1024 * 1024
"""Bytes of one file; ten thousand servers take one."""


@frozen
class Piece:
    """Where a run of a value's characters comes from.

    Characters from `offset` on stand at `line`, `column`; with `fixed` they were put in for a variable,
    and all of them are shown at its place.
    """

    offset: int
    line: int
    column: int
    line_text: str
    fixed: bool = False


@frozen
class Value:
    """A value: its `text` after variables, `raw` as written, and where each character comes from.

    `secrets` are the contents of files, and of variables whose names say so, that were put in: never to be
    printed.  `incomplete`: a variable in
    it stands for nothing, which is reported; what is left is not worth reading.
    """

    text: str
    raw: str
    file: str
    pieces: tuple[Piece, ...]
    secrets: tuple[str, ...] = ()
    incomplete: bool = False

    def at(self, offset: int = 0) -> Position:
        """The place of the character at `offset` of `text`."""
        piece = self.pieces[0]
        for later in self.pieces[1:]:
            if later.offset > offset:
                break
            piece = later
        column = piece.column if piece.fixed else piece.column + offset - piece.offset
        return Position(self.file, piece.line, column, piece.line_text)


@frozen
class Item:
    """`key = value`, with the column of the key (the line is the value's first)."""

    key: str
    value: Value
    line: int
    column: int
    line_text: str

    @property
    def place(self) -> Position:
        """Where the key stands."""
        return Position(self.value.file, self.line, self.column, self.line_text)


@define
class Section:
    """`[kind:name]` and its items by key, in file order; `name` is '' for `[kind]`."""

    kind: str
    name: str
    place: Position
    items: dict[str, Item]

    @property
    def title(self) -> str:
        """What stands between the brackets."""
        return f"{self.kind}:{self.name}" if self.name else self.kind


def decode(file: str, data: bytes, findings: Findings) -> str | None:
    """The text of a file, or None with a problem: empty, too large, binary, not UTF-8."""
    whole = Position(file)
    if not data.strip():
        findings.add(whole, "the file is empty", hint="did its last save fail? restore it from a copy")
    elif len(data) > LARGEST:
        findings.add(whole, "the file is larger than 32 MB", hint="is this the right file?")
    elif b"\0" in data[:65536] or b"\0" in data:
        findings.add(whole, "this is a binary file, not text", hint="save it as plain text in UTF-8")
    else:
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = data[: error.start]
            start = before.rfind(b"\n") + 1
            line = before.count(b"\n") + 1
            text = data[start:].split(b"\n", 1)[0].decode("utf-8", "replace").rstrip("\r")
            column = len(before[start:].decode("utf-8-sig" if line == 1 else "utf-8", "replace")) + 1
            place = Position(file, line, column, _clean(text))
            findings.add(place, "not UTF-8", hint="save the file in the encoding UTF-8")
    return None


def parse(file: str, text: str, findings: Findings) -> list[Section]:
    """The sections of `text` in file order; values still hold their variables."""
    return _Parse(file, findings).run(text)


def _clean(line: str) -> str:
    """A line fit for a terminal."""
    return _CONTROL.sub("\ufffd", line)


class _Parse:
    """One run over one file."""

    def __init__(self, file: str, findings: Findings) -> None:
        self.file = file
        self.findings = findings
        self.sections: list[Section] = []
        self.section: Section | None = None
        self.broken = False
        self.open: list[tuple[int, int, str, str]] = []
        self.key = ("", 1)

    def run(self, text: str) -> list[Section]:
        for number, full in enumerate(text.split("\n"), 1):
            line = full.removesuffix("\r")
            if _CONTROL.search(line):
                self.control(number, line)
                if line[0] == "[":
                    self.finish()
                    self.section, self.broken = None, True
                continue
            bare = line.strip()
            if not bare or bare[0] in "#;":
                continue
            if line[0] in " \t":
                self.continuation(number, line, bare)
                continue
            self.finish()
            if line[0] == "[":
                self.header(number, line)
            else:
                self.pair(number, line)
        self.finish()
        return self.sections

    def control(self, number: int, line: str) -> None:
        found = _CONTROL.search(line)
        at = found.start() if found else 0
        self.findings.add(
            Position(self.file, number, at + 1, _clean(line)),
            f"control character U+{ord(line[at]):04X}",
            hint="delete it; a line holds printable characters and tabs",
        )

    def header(self, number: int, line: str) -> None:
        place = Position(self.file, number, 1, line)
        found = _HEADER.match(line)
        self.section = None
        self.broken = True
        if not found or not found[1]:
            text = "a section is [kind] or [kind:name], alone on its line"
            self.findings.add(
                place, text, hint="write it as in [pool:web]; comments stand on lines of their own"
            )
            return
        kind, colon, name = (part.strip() for part in found[1].partition(":"))
        if not kind or (colon and not name):
            missing = "name" if kind else "kind"
            self.findings.add(place, f"the section has no {missing}", hint="write it as in [pool:web]")
            return
        self.broken = False
        self.section = Section(kind, " ".join(name.split()), place, {})
        self.sections.append(self.section)

    def continuation(self, number: int, line: str, bare: str) -> None:
        column = len(line) - len(line.lstrip()) + 1
        if self.open:
            self.open.append((number, column, bare, line))
        elif not self.broken:
            self.findings.add(
                Position(self.file, number, column, line),
                "an indented line continues the value above it, and there is none",
                hint="remove the spaces at its beginning",
            )

    def pair(self, number: int, line: str) -> None:
        found = _PAIR.match(line)
        place = Position(self.file, number, 1, line)
        if not found:
            word = line.split(maxsplit=1)[0]
            hint = f"write {word.rstrip(':')} = …" if word[-1] == ":" else "write key = value, or [kind:name]"
            hint = foreign.directive(line) or hint
            self.findings.add(place, "neither a section nor key = value", section=self.title, hint=hint)
        elif self.section is None:
            if not self.broken:
                hint = "write the section it belongs to above it, as in [director]"
                self.findings.add(place, "a key before the first section", hint=hint)
            self.open = []
        else:
            self.key = (" ".join(found[1].split()), number)
            self.open = [(number, found.end() + 1, line[found.end() :].rstrip(), line)]

    @property
    def title(self) -> str:
        return self.section.title if self.section else ""

    def finish(self) -> None:
        """Close the value that is open and put it into the section."""
        lines, self.open = self.open, []
        if not lines or self.section is None:
            return
        key, number = self.key
        head = lines[0][3]
        if not lines[0][2] and len(lines) > 1:
            del lines[0]
        pieces: list[Piece] = []
        offset = 0
        for line, column, text, full in lines:
            pieces.append(Piece(offset, line, column, full))
            offset += len(text) + 1
        raw = lines[0][2] if len(lines) == 1 else "\n".join(entry[2] for entry in lines)
        item = Item(key, Value(raw, raw, self.file, tuple(pieces)), number, 1, head)
        first = self.section.items.setdefault(key, item)
        if first is not item:
            self.findings.add(
                item.place,
                f"the key is already set at {first.place}",
                section=self.title,
                key=key,
                value=raw,
                hint="remove one of the two lines; a list continues on indented lines",
            )
