"""What came of reading a configuration: its value, its problems, and where everything stands.

Made by `load_from` (and by `io/load` with real files); the commands print it, layer 7 runs its
`[test:…]` sections and reports failures with `problem_at`, `export` prints it merged.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from director.config.build import build
from director.config.parse.fields import Fields
from director.config.parse.schedulers import BUILT_IN, SchedulerFacts
from director.config.schema.tables import kind_of
from director.config.text.messages import ERROR, Findings, Position, Problem
from director.config.text.reader import Section
from director.config.text.sources import Document, World, gather
from director.errors import ConfigError
from director.model.settings import Configuration

_SHORTEST_SECRET = 4
"""Characters of a secret that messages about other sections are searched for; shorter ones are in all."""


@frozen
class Loaded:
    """`configuration` is None when one of the `problems` is an error; `document` holds the places."""

    configuration: Configuration | None
    problems: tuple[Problem, ...]
    document: Document

    @property
    def state_dir(self) -> str:
        """`[director] state_dir`, also of a file with errors elsewhere; empty when it is not known.

        Who has just broken the file must still be able to ask the director that runs.
        """
        if self.configuration is not None:
            return self.configuration.settings.state_dir
        section, kind = self.document.sections.get("director"), kind_of("director", named=False)
        if section is None or kind is None:
            return ""
        return str(Fields(section, kind, Findings()).get("state_dir") or "")

    def position_of(self, section: str, key: str = "") -> Position:
        """The place of a key's value (`test:images`, `expect`), else of the section, else of the file."""
        return self.document.position_of(section, key)

    def problem_at(self, section: str, key: str, text: str, hint: str = "", severity: str = ERROR) -> Problem:
        """A problem found later, such as a `[test:…]` that failed, at its place in the file."""
        findings = Findings()
        found = self.document.sections.get(section)
        item = found.items.get(key) if found else None
        for secret in self._secrets(found):
            text, hint = text.replace(secret, "***"), hint.replace(secret, "***")
        findings.add(
            self.position_of(section, key),
            text,
            section=section,
            key=key,
            value=item.value.raw if item else "",
            hint=hint,
            severity=severity,
        )
        return findings.problems()[0]

    def _secrets(self, section: Section | None) -> list[str]:
        """What a message at a section must not show: its own secrets, and those of others worth the name."""
        return [
            secret
            for one in self.document.sections.values()
            for item in one.items.values()
            for secret in item.value.secrets
            if one is section or len(secret) >= _SHORTEST_SECRET
        ]

    def require(self) -> Configuration:
        """The configuration; raises `ConfigError` with the problems when there is none."""
        if self.configuration is None:
            raise ConfigError(self.problems)
        return self.configuration


def load_from(path: str, world: World, known: Mapping[str, SchedulerFacts] = BUILT_IN) -> Loaded:
    """Read, check and build the configuration at `path`, as `world` shows it."""
    findings = Findings()
    document = gather(path, world, findings)
    configuration = build(document, world.read, findings, known) if document.files else None
    return Loaded(configuration, findings.problems(), document)
