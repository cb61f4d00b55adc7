"""Who changed what: a generation with each thing as it was before and as it is after.

Pure.  What may hold a secret is not shown: of users, checks, pages and certificates only which settings
changed, of rules everything but the secrets of all rules that are known.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import attrs

from director.admin.views import Json, stamp
from director.config.writing.conditions import condition
from director.model.conditions import And, Not, Or, Term
from director.model.http import Rule
from director.registry.edits import SERVERS, STATES, Edit, Verb
from director.registry.registry import Generation
from director.registry.snapshot import RegistrySnapshot

HIDDEN = "***"
CHANGES_SHOWN = 1000
SHOWN = frozenset({"pools", SERVERS, STATES, "l7", "l4", "l4_settings", "admin", "rules"})
"""Kinds whose values hold no secret, when those of rules are taken out."""
UNSHOWN = frozenset({"secrets", "written", "servers"})
"""Fields that are not told: the servers of a pool are things of their own."""
CONDITIONS = (And, Or, Not, Term)


def secrets_of(seen: RegistrySnapshot) -> frozenset[str]:
    """All secrets of rules that run, or that a generation knows."""
    edits = [edit for made in seen.generations for edit in (*made.edits, *made.back) if edit.kind == "rules"]
    found = {secret for rule in seen.configuration.rules for secret in rule.secrets}
    for edit in edits:
        found.update(dict(edit.fields).get("secrets", ()))
        found.update(edit.value.secrets if isinstance(edit.value, Rule) else ())
    return frozenset(found)


def generation_view(one: Generation, secrets: frozenset[str] = frozenset()) -> Json:
    """Who changed what, from where, and when; `changes` have each thing before and after."""
    return {
        "number": one.number,
        "author": one.author,
        "from": one.origin,
        "time": stamp(one.time),
        "diff": list(one.diff),
        "changes": changes(one, secrets),
        "undoable": bool(one.back),
    }


def changes(one: Generation, secrets: frozenset[str]) -> list[Json]:
    """Each thing before and after; of very many, the first."""
    return list(islice(_changes(one, secrets), CHANGES_SHOWN))


def _changes(one: Generation, secrets: frozenset[str]) -> Iterator[Json]:
    back = {edit.place: edit for edit in one.back}
    for edit in one.edits:
        before = back.get(edit.place)
        yield {
            "what": edit.what,
            "before": _leads_to(before, secrets) if before else None,
            "after": _leads_to(edit, secrets),
        }


def _leads_to(edit: Edit, secrets: frozenset[str]) -> Json | None:
    """The fields of a thing after an edit; None when it is not there then."""
    if edit.verb is Verb.REMOVE:
        return None
    fields: Iterable[tuple[str, Any]] = edit.fields if edit.verb is Verb.SET else _given(edit.value)
    shown = edit.kind in SHOWN
    return {
        key: _masked(plain(value), secrets) if shown else HIDDEN
        for key, value in fields
        if key not in UNSHOWN
    }


def _given(thing: Any) -> Iterator[tuple[str, Any]]:
    """Fields of a value that differ from their defaults."""
    for one in attrs.fields(type(thing)):
        value = getattr(thing, one.name)
        default = one.default.factory() if isinstance(one.default, attrs.Factory) else one.default  # type: ignore[arg-type]
        if value != default:
            yield one.name, value


def plain(value: Any) -> Any:
    """A value of the model as JSON has it, in the words of the ini where it has some."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, CONDITIONS):
        return condition(value)
    if isinstance(value, tuple | list | frozenset):
        return [plain(one) for one in value]
    if attrs.has(type(value)) and "__str__" not in vars(type(value)):
        return {key: plain(part) for key, part in _given(value)}
    return str(value)


def _masked(value: Any, secrets: frozenset[str]) -> Any:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, HIDDEN)
        return value
    if isinstance(value, list):
        return [_masked(one, secrets) for one in value]
    if isinstance(value, dict):
        return {key: _masked(one, secrets) for key, one in value.items()}
    return value
