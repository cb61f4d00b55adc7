"""One section read by its table: which keys are set, to what, and where.

`build` makes a `Fields` of each section; the builders and the checks of references take values from it
and report problems through it, so that every message stands at the right character.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve

from director.config.schema.l4 import WITHOUT_MEANING
from director.config.schema.shape import Key, Kind
from director.config.schema.tables import UNAVAILABLE, key_of
from director.config.text import foreign
from director.config.text.messages import ERROR, BadValue, Findings, Position
from director.config.text.reader import Item, Section, Value


def _decorated(key: Key, value: Value) -> BadValue | None:
    """What is wrong when a value would be right without the comment or the `;` behind it."""
    text = value.text
    at = foreign.comment(text)
    if at is not None and _reads(key, value, text[:at].rstrip()):
        hint = "put it on a line of its own above; a value runs to the end of its line"
        return BadValue("a comment stands on a line of its own", hint, at)
    bare = text.rstrip().removesuffix(";").rstrip()
    if bare != text and text.rstrip().endswith(";") and _reads(key, value, bare):
        return BadValue("a value does not end with ;", "remove it", len(text.rstrip()) - 1)
    return None


def _reads(key: Key, value: Value, text: str) -> bool:
    """Could a key be set to another text?"""
    try:
        key.parse(evolve(value, text=text))
    except BadValue:
        return False
    return bool(text)


class Fields:
    """The values of one section by key; what could not be parsed is reported and left out."""

    def __init__(self, section: Section, kind: Kind, findings: Findings) -> None:
        self.section = section
        self.kind = kind
        self.findings = findings
        self.values: dict[str, object] = {}
        self.broken = False
        for item in section.items.values():
            key = key_of(kind, item.key)
            if key is None:
                self._unknown(item)
            else:
                self._read(key, item)
        for key in kind.keys:
            if key.required and key.name not in section.items:
                self.problem("", f"{key.name} is missing", f"add a line such as {key.name} = {key.example}")
                self.broken = True
        self._refuse_unavailable()

    @property
    def name(self) -> str:
        """What stands behind the colon."""
        return self.section.name

    @property
    def secrets(self) -> tuple[str, ...]:
        """What came into its values out of files of secrets."""
        found = (secret for item in self.section.items.values() for secret in item.value.secrets)
        return tuple(dict.fromkeys(found))

    @property
    def with_secrets(self) -> tuple[tuple[str, str], ...]:
        """Key and text, as written, of the values that hold secrets."""
        items = self.section.items.items()
        return tuple((key, item.value.raw) for key, item in items if item.value.secrets)

    def _unknown(self, item: Item) -> None:
        reason = WITHOUT_MEANING.get(item.key) if (self.kind.kind, self.kind.named) == ("l4", "") else None
        if reason:
            text, hint = "this sysctl has no meaning here", reason
        else:
            text = "unknown key"
            known = [key.name for key in self.kind.keys]
            hint = foreign.key(item.key) or self.findings.nearest(item.key, known)
            hint = hint or "keys of this section: " + ", ".join(known)
        self._add(item.place, item.key, item.value.raw, text, hint=hint)

    def _read(self, key: Key, item: Item) -> None:
        if item.value.incomplete:
            self.broken = self.broken or key.required
            return
        try:
            self.values[item.key] = key.parse(item.value)
        except BadValue as bad:
            self.bad(item.key, _decorated(key, item.value) or bad)
            self.broken = self.broken or key.required

    def _refuse_unavailable(self) -> None:
        for row in UNAVAILABLE:
            if row.kind != self.kind.kind or row.named != bool(self.kind.named):
                continue
            if not row.key:
                self.problem("", row.sentence, row.hint)
            elif row.key in self.values and (row.when is None or row.when(self.values[row.key])):
                self.problem(row.key, row.sentence, row.hint)

    def get(self, key: str) -> Any:
        """The value of a key, or its default, or None."""
        if key in self.values:
            return self.values[key]
        known = key_of(self.kind, key)
        return known.standard() if known else None

    def given(self, *keys: str) -> list[str]:
        """Those of `keys` that the section sets, rightly or not."""
        return [key for key in keys if key in self.section.items]

    def text(self, key: str) -> str:
        """The text of a key that is set."""
        return self.section.items[key].value.text

    def place(self, key: str, offset: int = 0) -> Position:
        """The place of a character of a key's value, or of the section."""
        item = self.section.items.get(key)
        return item.value.at(offset) if item else self.section.place

    def bad(self, key: str, bad: BadValue) -> None:
        """Report what a parser raised for the value of `key`."""
        self.problem(key, bad.message, bad.hint, bad.start)

    def problem(self, key: str, text: str, hint: str = "", offset: int = 0, severity: str = ERROR) -> None:
        """Report a problem at a character of a value, at the key's section for ''."""
        item = self.section.items.get(key)
        for secret in item.value.secrets if item else ():
            text, hint = text.replace(secret, "***"), hint.replace(secret, "***")
        raw = item.value.raw if item else ""
        self._add(self.place(key, offset), key, raw, text, hint=hint, severity=severity)

    def _add(
        self, place: Position, key: str, value: str, text: str, *, hint: str, severity: str = ERROR
    ) -> None:
        self.findings.add(
            place, text, section=self.section.title, key=key, value=value, hint=hint, severity=severity
        )
