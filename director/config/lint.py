"""What is allowed and yet surely not meant: unused pools and checks, hidden rules, runaway expressions.

All of it is a warning: `director check --strict` counts them, a start does not.
"""

from __future__ import annotations

from collections.abc import Sequence

from director.config.fields import Fields
from director.config.hiding import hidden
from director.config.messages import WARNING
from director.config.references import Kinds, terms, used_pools
from director.config.regexes import nested_repeat
from director.model import Rule

_METHODS = frozenset({"get", "head", "post", "put", "delete", "patch", "options", "trace", "connect"})


def warn(kinds: Kinds, rules: Sequence[Rule]) -> None:
    """Report all warnings."""
    _unused(kinds)
    _hidden(kinds, rules)
    for fields in kinds["rule"].values():
        _doubtful_terms(fields)


def _unused(kinds: Kinds) -> None:
    used = used_pools(kinds, "l7") | used_pools(kinds, "l4")
    checks: set[str] = set()
    for name, pool in kinds["pool"].items():
        checks |= set(pool.get("check") or ())
        if name not in used:
            text = "no service or rule uses this pool"
            pool.problem("", text, f"add pool = {name} where it is meant, or remove it", severity=WARNING)
        if not any(key.startswith("server.") for key in pool.section.items):
            pool.problem(
                "", "the pool has no server", "add a line such as server.a = 10.0.0.1:80", severity=WARNING
            )
    for name, check in kinds["check"].items():
        if name not in checks:
            text = "no pool uses this check"
            check.problem("", text, f"add check = {name} to a pool, or remove it", severity=WARNING)


def _hidden(kinds: Kinds, rules: Sequence[Rule]) -> None:
    by_service: dict[str, list[Rule]] = {}
    for rule in sorted(rules, key=lambda rule: rule.number):
        fields = kinds["rule"][rule.name]
        if fields.given("when") and "when" not in fields.values:
            # What it claims is not known, so it hides nothing.
            continue
        by_service.setdefault(rule.service, []).append(rule)
    for group in by_service.values():
        for rule, by in hidden(group):
            fields, other = kinds["rule"][rule.name], kinds["rule"][by.name]
            by_name = f"[{other.section.title}] at {other.section.place}"
            text = f"this rule can never match: {by_name} claims its requests"
            hint = "give it a smaller number, or narrow the other's when"
            fields.problem("when" if fields.given("when") else "", text, hint, severity=WARNING)


def _doubtful_terms(fields: Fields) -> None:
    for term in terms(fields.get("when")):
        if term.operator == "~":
            at = nested_repeat(term.values[0])
            if at is not None:
                start = max(fields.text("when").find(term.values[0]), 0)
                text = "a repeat inside a repeat can take very long on some requests"
                fields.problem("when", text, "write one of them without * or +", start + at, severity=WARNING)
        for value in term.values if term.fact == "method" and term.operator in {"=", "in"} else ():
            if value in _METHODS:
                start = max(fields.text("when").find(value), 0)
                text = f"the method {value} is not {value.upper()}"
                fields.problem("when", text, f"write {value.upper()}", start, severity=WARNING)
