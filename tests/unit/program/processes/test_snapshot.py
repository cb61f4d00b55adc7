"""What makes of one process what another one is."""

from __future__ import annotations

from attrs import evolve

from director.model.pools import Address, Pool, Server, State
from director.model.settings import Configuration
from director.plugins import UserFiles
from director.program.processes.snapshot import leading, superseding
from director.registry.changes import Change, Ordered, plan
from director.registry.registry import Registry
from tests.support.registries import FirstFit

A, B, C = (Server(name, Address("127.0.0.1", 8000 + number)) for number, name in enumerate("abc"))
OLD = Configuration(pools=(Pool("web", (A, B)), Pool("gone", (C,))))
NEW = Configuration(pools=(Pool("web", (evolve(A, weight=5), C)), Pool("more", (B,))))


def registry_of(configuration: Configuration, *orders: Change) -> Registry:
    made = Registry(FirstFit)
    made.apply((*plan(Configuration(), configuration), *orders), "test", 0.0, 0.0)
    return made


def test_whatever_ran_it_becomes_what_a_new_one_would_be() -> None:
    here = registry_of(OLD, Ordered("web", "a", State.DRAIN), Ordered("web", "b", State.MAINT))
    told = (*plan(Configuration(), NEW), Ordered("more", "b", State.MAINT))
    there = registry_of(NEW, Ordered("more", "b", State.MAINT))
    here.apply(leading(here, told, UserFiles()), "test", 1.0, 1.0)
    assert here.configuration == there.configuration
    assert here.states() == there.states() == {("more", "b"): State.MAINT}


def test_a_server_stays_the_same_object_when_nothing_of_it_changed() -> None:
    here = registry_of(OLD, Ordered("web", "b", State.DRAIN))
    before = here.pools["web"].servers
    told = (*plan(Configuration(), OLD), Ordered("web", "b", State.DRAIN))
    here.apply(leading(here, told, UserFiles()), "test", 1.0, 1.0)
    assert here.pools["web"].servers == before
    assert here.states() == {("web", "b"): State.DRAIN}


def test_what_nobody_speaks_of_any_more_is_forgotten() -> None:
    stand = [
        ("10.0.0.1:80", "alive", True),
        ("10.0.0.2:80", "alive", False),
        ("10.0.0.1:80", "agent", ["up"]),
    ]
    told = [("10.0.0.1:80", "alive", False), ("10.0.0.3:80", "alive", True)]
    assert superseding(stand, told) == [
        ("10.0.0.2:80", "alive", None),
        ("10.0.0.1:80", "agent", None),
        *told,
    ]
