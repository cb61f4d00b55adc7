"""Addresses that are not there yet; `has_address` is asked of this machine's own routes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.task import Clock

from director.model.http import L7Service
from director.model.pools import Address
from director.model.settings import Configuration
from director.model.virtual import L4Service, Virtual
from director.plugins import UserFiles
from director.program.candidate import Candidate
from director.program.listen_alerts import EVERY, ListenAlerts, has_address, lacking
from tests.support.said import said

HERE, THERE = Address("127.0.0.1", 80), Address("192.0.2.80", 80)


def listening(*addresses: Address, virtual: str = "192.0.2.1") -> Configuration:
    return Configuration(
        l7=(L7Service("www", addresses, "web"),),
        l4=(L4Service("dns", Virtual("udp", virtual, 53), "web"),),
    )


@pytest.mark.parametrize(("host", "here"), [("127.0.0.1", True), ("127.9.9.9", True), ("192.0.2.1", False)])
def test_what_this_machine_has(host: str, here: bool) -> None:
    """192.0.2.0/24 is nobody's (RFC 5737)."""
    assert has_address(host) == here


def test_only_a_literal_that_nobody_adds_can_be_lacking() -> None:
    every = (HERE, THERE, Address("", 80), Address("::", 80), Address(path="/x"), Address("a.example", 80))
    asked: list[str] = []

    def has(host: str) -> bool:
        asked.append(host)
        return False

    assert list(lacking(listening(*every, virtual=THERE.host), has)) == [("l7:www", str(HERE))]
    assert asked == [HERE.host], "each is asked for once"


class Watch:
    """The alerts over a registry and a shell that only have what they look at."""

    def __init__(self) -> None:
        self.here = {HERE.host}
        self.now = 0.0
        self.unopened: list[tuple[str, str, str]] = []
        registry: Any = SimpleNamespace(configuration=listening(HERE, THERE))
        self.registry = registry
        shell: Any = SimpleNamespace(unopened=lambda: self.unopened)
        self.watch = ListenAlerts(registry, shell, Clock(), self.here.__contains__)

    def look(self) -> tuple[list[str], list[str]]:
        self.now += EVERY
        return self.watch.look(self.now)


def test_it_is_said_once_and_once_again_when_it_is_over() -> None:
    watch = Watch()
    (said,), over = watch.look()
    assert "l7:www is not reachable on 192.0.2.80:80: this machine does not have that address" in said
    assert not over
    assert watch.look() == ([], [])
    assert watch.watch.reasons() == {said: EVERY}
    assert watch.watch.why("l7:www", "192.0.2.80:80")
    assert not watch.watch.why("l7:www", "127.0.0.1:80")
    watch.here.add(THERE.host)
    assert watch.look() == ([], ["l7:www listens on 192.0.2.80:80 now, after 2s"])
    assert watch.watch.reasons() == {}


def test_what_cannot_be_opened_is_a_reason_too() -> None:
    watch = Watch()
    watch.here.add(THERE.host)
    watch.registry.configuration = listening(HERE, Address(endpoint="tcp:80"))
    watch.unopened.append(("www", "tcp:80", "the address is in use"))
    (said,), _ = watch.look()
    assert said == "l7:www is not reachable on tcp:80: the address is in use; it is tried again"


def test_it_is_looked_at_from_the_start_on() -> None:
    watch = Watch()
    watch.watch.start()
    assert len(watch.watch.reasons()) == 1
    ((chore, period),) = watch.watch.chores()
    assert period == EVERY
    watch.here.add(THERE.host)
    chore()
    assert watch.watch.reasons() == {}


def test_a_reload_looks_at_once() -> None:
    """The reason of before would stand in `/readyz` for up to a second."""
    watch, candidate = Watch(), Candidate(None, UserFiles(), "test")
    watch.watch.commit(candidate)
    assert watch.watch.reasons() == {}, "before the start nothing is open yet"
    watch.watch.start()
    assert len(watch.watch.reasons()) == 1
    watch.registry.configuration = listening(HERE)
    with said("director.listener") as lines:
        watch.watch.commit(candidate)
    assert watch.watch.reasons() == {}
    assert lines == [], "it does not listen there now, it is not asked to"
