"""From a document to a `Configuration`: every section by its table, then what they say of each other.

`build` reports all mistakes at once and gives a configuration only when there is no error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from attrs import evolve

from director.config import lint, references
from director.config.parse import builders, drill_builders
from director.config.parse.check_builder import check
from director.config.parse.fields import Fields
from director.config.parse.schedulers import BUILT_IN, SchedulerFacts
from director.config.parse.values import section_name, title
from director.config.schema.shape import Kind
from director.config.schema.tables import KINDS, kind_of
from director.config.text.messages import BadValue, Findings
from director.config.text.reader import Section
from director.config.text.sources import Document, Read
from director.model.settings import Configuration, Settings
from director.model.tls import Acme

T = TypeVar("T")

SETTINGS_OF_L4 = "l4-settings"


def build(
    document: Document, read: Read, findings: Findings, known: Mapping[str, SchedulerFacts] = BUILT_IN
) -> Configuration | None:
    """The configuration that `document` says, or None when `findings` has an error.

    `read` gives the content of pages and certificates; `known` are the schedulers.
    """
    kinds = _read_sections(document.sections.values(), findings)
    configuration = _make(kinds, read)
    references.check(kinds, known)
    lint.warn(kinds, configuration.rules)
    return None if findings.failed else configuration


def _read_sections(sections: Iterable[Section], findings: Findings) -> dict[str, dict[str, Fields]]:
    kinds: dict[str, dict[str, Fields]] = {kind.kind: {} for kind in KINDS}
    kinds[SETTINGS_OF_L4] = {}
    for section in sections:
        kind = kind_of(section.kind, named=bool(section.name))
        if kind is None:
            _unknown(section, findings)
            continue
        _check_name(section, kind, findings)
        group = SETTINGS_OF_L4 if section.title == "l4" else section.kind
        kinds[group][section.name] = Fields(section, kind, findings)
    return kinds


def _check_name(section: Section, kind: Kind, findings: Findings) -> None:
    """Refuse a name that a log line, a URL or a command could not carry; a title is only printed."""
    try:
        if kind.named == "NAME":
            section_name(section.name, wildcard=kind.kind == "cert")
        else:
            title(section.name)
    except BadValue as bad:
        place = section.place
        # A name whose white space was put right is not found as it is: the place of the section will do.
        start = place.line_text.find(section.name)
        place = evolve(place, column=start + bad.start + 1) if start >= 0 else place
        findings.add(place, bad.message, section=section.title, hint=bad.hint)


def _unknown(section: Section, findings: Findings) -> None:
    other = kind_of(section.kind, named=not section.name)
    if other is not None:
        text = "this section has no name" if section.name else "the section needs a name"
        findings.add(section.place, text, section=section.title, hint=f"write {other.heading}")
        return
    known = [kind.kind for kind in KINDS]
    hint = findings.nearest(section.kind, known) or "known: " + ", ".join(kind.heading for kind in KINDS)
    findings.add(section.place, f"unknown section {section.kind}", section=section.title, hint=hint)


def _make(kinds: Mapping[str, Mapping[str, Fields]], read: Read) -> Configuration:
    """All values that can be made; those of broken sections are left out."""
    settings = _all(kinds["director"], builders.settings)
    return Configuration(
        settings=settings[0] if settings else Settings(),
        admin=_first(kinds["admin"], builders.admin),
        users=_all(kinds["user"], builders.user),
        pools=_all(kinds["pool"], builders.pool),
        checks=_all(kinds["check"], check),
        l7=_all(kinds["l7"], builders.l7),
        rules=_all(kinds["rule"], builders.rule),
        pages=_all(kinds["page"], lambda fields: builders.page(fields, read)),
        certificates=_all(kinds["cert"], builders.certificate),
        acme=_first(kinds["acme"], builders.acme) or Acme(),
        l4_settings=_first(kinds[SETTINGS_OF_L4], builders.l4_settings),
        l4=_all(kinds["l4"], builders.l4),
        demos=_all(kinds["demo"], builders.demo),
        schedulers=_all(kinds["scheduler"], builders.custom_scheduler),
        tests=_all(kinds["test"], builders.config_test),
        guards=_all(kinds["guard"], builders.guard),
        faults=_all(kinds["fault"], drill_builders.fault),
        drills=_all(kinds["drill"], drill_builders.drill),
    )


def _all(sections: Mapping[str, Fields], make: Callable[[Fields], T | None]) -> tuple[T, ...]:
    made = (make(fields) for fields in sections.values())
    return tuple(value for value in made if value is not None)


def _first(sections: Mapping[str, Fields], make: Callable[[Fields], T]) -> T | None:
    return next((make(fields) for fields in sections.values()), None)
