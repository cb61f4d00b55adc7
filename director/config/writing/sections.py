"""Which things can be written as sections, and which of their keys say something.

A key is said when its text differs from that of a thing of the same name that nobody said anything about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import frozen

from director.config.writing import pools, rules, services
from director.model.http import L7Service, Rule
from director.model.pools import Pool
from director.model.virtual import L4Service, L4Settings


@frozen
class SectionWriter:
    """How things of one kind are written: the kind of section, the keys, and one of which nothing is said."""

    prefix: str
    keys: Callable[[Any], Iterable[tuple[str, str]]]
    blank: Callable[[Any], Any]

    def title(self, thing: Any) -> str:
        """What stands in the brackets."""
        name = getattr(thing, "name", "")
        return f"{self.prefix}:{name}" if name else self.prefix

    def said(self, thing: Any) -> dict[str, str]:
        """The keys that must be written, with their texts."""
        standard = dict(self.keys(self.blank(thing)))
        return {key: text for key, text in self.keys(thing) if text != standard.get(key, "")}


WRITERS: Mapping[str, SectionWriter] = {
    "pools": SectionWriter("pool", pools.keys, lambda one: Pool(one.name)),
    "l7": SectionWriter("l7", services.l7, lambda one: L7Service(one.name, ())),
    "l4_settings": SectionWriter("l4", services.l4_settings, lambda _one: L4Settings()),
    "l4": SectionWriter("l4", services.l4, lambda one: L4Service(one.name, None, "")),  # type: ignore[arg-type]
    "rules": SectionWriter("rule", rules.keys, lambda one: Rule(one.number, one.title, "")),
}
"""By the field of a `Configuration`: what commands can make, in an order in which an ini is read well."""
