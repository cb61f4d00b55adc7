"""Only values cross the seam between the program and its admin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from director.admin.control import Control, Question
from director.registry.counters import Requests, Zeroable
from director.registry.live import LivePool, LiveService, RealServer
from director.registry.registry import Registry
from director.registry.reports import ConnectionQuery
from tests.unit.admin import sample


def parts(value: Any) -> Iterator[Any]:
    """Everything that a value holds, itself first."""
    yield value
    if attrs.has(type(value)):
        value = [getattr(value, one.name) for one in attrs.fields(type(value))]
    elif isinstance(value, Mapping):
        value = [*value, *value.values()]
    if isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from parts(one)


def test_no_live_object_crosses_the_seam() -> None:
    made = sample.control()
    sample.fill(made)
    sample.trouble(made)
    control: Control = made
    crossing = (
        control.snapshot(), control.listeners(), control.readiness(), control.process(), control.checks(),
        control.events(9), control.connections(ConnectionQuery(9)),
        control.packets(), control.traces(9), control.caches(),
    )  # fmt: skip
    live = (Registry, LivePool, LiveService, RealServer, Requests, Zeroable)
    assert [one for one in parts(crossing) if isinstance(one, live)] == []


def test_a_question_names_no_service_by_itself() -> None:
    assert (Question("GET", "/").service, Question("GET", "/").client) == ("", "127.0.0.1")
