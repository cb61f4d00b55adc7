"""Layer 4 in the composition, with a packet shell that has no sockets."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from attrs import evolve
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from twisted.internet.defer import Deferred, succeed

from director.errors import ChangeRefused, DirectorError
from director.l4.io.plan import Endpoint
from director.l4.io.probe import Lacking
from director.l4.settings import Mark
from director.l4.verdicts import Drop, Verdict
from director.layer4 import Layer4
from director.model import (
    Address,
    Configuration,
    L4Service,
    L4Settings,
    L7Service,
    Pool,
    Server,
    Virtual,
)
from director.registry import Registry
from tests.unit.l4.world import CLIENT, CLIENT_MAC, OUTER_MAC, OUTSIDE, VIP, routing, sent
from tests.unit.registries import registry_of, turn

POOL = Pool("dns", (Server("a", Address("10.0.0.11", 53)),))
SERVICE = L4Service("dns", Virtual("udp", "192.0.2.53", 53), "dns")
MARKED = L4Service("marked", Virtual(fwmark=7, family=6), "dns")
WEB = L7Service("www", (Address("192.0.2.53", 80), Address("", 81), Address(path="/run/x")), pool="dns")


class Shell:
    """Remembers what it is told."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.settings: L4Settings = named["settings"]
        self.lacking: Lacking | None = None
        self.troubles: dict[str, str] = {}
        self.marks: tuple[Mark, ...] = ()
        self.started = self.stopped = 0
        self.reloads: list[tuple[tuple[L4Service, ...], list[str], tuple[Endpoint, ...]]] = []

        self.forwarder: Callable[[Any], Any] = named["forwarder"]
        self.installed: Deferred[None] = Deferred()
        self.prepared: list[object] = []

    def startService(self) -> None:
        self.started += 1
        self.forwarder(routing())

    def prepare(
        self, services: Iterable[L4Service], pools: Mapping[str, Pool], marks: Iterable[Mark]
    ) -> Deferred[None]:
        self.prepared.append((tuple(services), sorted(pools), [one.mark for one in marks]))
        return self.installed

    def stopService(self) -> Deferred[None]:
        self.stopped += 1
        return succeed(None)

    def reload(
        self, services: Iterable[L4Service], pools: Mapping[str, Pool], keep: Iterable[Endpoint]
    ) -> Deferred[None]:
        self.reloads.append((tuple(services), sorted(pools), tuple(keep)))
        return self.installed

    def counters(self) -> dict[str, int]:
        return {"drop_land": 1, "drop_no_interface": 2, "d0_received": 3}


class Clock:
    @staticmethod
    def seconds() -> float:
        return 0.0


def made(registry: Registry) -> Layer4:
    shell: Any = Shell
    return Layer4(registry, Clock(), "test", Path(), Random(1), shell)


def serving(*services: L4Service, **fields: Any) -> tuple[Registry, Configuration]:
    registry = registry_of()
    configuration = Configuration(pools=(POOL,), l4=services, **fields)
    turn(registry, configuration)
    return registry, registry.configuration


def shell_of(layer: Layer4) -> Shell:
    shell: Any = layer.shell
    assert isinstance(shell, Shell)
    return shell


def test_nothing_is_opened_while_nothing_is_configured() -> None:
    registry, configuration = serving()
    layer = made(registry)
    layer.follow(configuration)
    assert layer.shell is None
    assert list(layer.reasons()) == []
    assert list(layer.listeners()) == []
    layer.stop()


def test_the_first_service_starts_it_and_every_change_reaches_it() -> None:
    registry, configuration = serving(SERVICE, l7=(WEB,))
    layer = made(registry)
    layer.follow(configuration)
    layer.follow(evolve(configuration, l4=()))
    shell = shell_of(layer)
    assert shell.started == 1
    kept = (Endpoint(6, ipaddress.ip_address("192.0.2.53"), 80, 80),)
    assert shell.reloads == [((SERVICE,), ["dns"], kept), ((), ["dns"], kept)]
    layer.stop()
    assert shell.stopped == 1


def test_the_next_packet_meets_what_was_changed() -> None:
    """A reload is complete when it is answered: no packet meets the services of before (V15, V17)."""
    web = L4Service("web", Virtual("udp", VIP, 53), "dns")
    registry, configuration = serving(web)
    layer = made(registry)

    def follow(*services: L4Service) -> None:
        turn(registry, evolve(configuration, l4=services))
        layer.follow(registry.configuration)

    def packet() -> Verdict:
        frame = Ether(src=CLIENT_MAC, dst=OUTER_MAC) / IP(src=CLIENT, dst=VIP) / UDP(sport=9, dport=53) / b"x"
        assert layer.forwarder is not None
        return layer.forwarder.receive(bytearray(bytes(frame)), OUTSIDE, 1.0)

    follow(web)
    for _ in range(2):
        assert sent(packet())[IP].dst == "10.0.0.11"
        assert sent(packet())[IP].dst == "10.0.0.11"
        follow()
        assert packet() == Drop("server_gone")
        follow(web)


def test_the_whole_in_numbers() -> None:
    """Each drop is told once: the forwarder's by its reason, the shell's own with a word before it."""
    registry, configuration = serving(SERVICE)
    layer = made(registry)
    assert layer.figures() is None
    layer.follow(configuration)
    forwarder = layer.forwarder
    assert forwarder is not None
    frame = Ether(src=CLIENT_MAC, dst=OUTER_MAC) / IP(src=VIP, dst=VIP) / UDP(sport=9, dport=53) / b"x"
    forwarder.receive(bytearray(bytes(frame)), OUTSIDE, 1.0)
    figures = layer.figures()
    assert figures is not None
    assert figures.counters == {"land": 1, "drop_no_interface": 2, "d0_received": 3}
    assert (figures.flows, figures.total) == (0, forwarder.total)


def test_a_change_is_answered_when_the_kernel_follows() -> None:
    registry, configuration = serving(SERVICE)
    layer = made(registry)
    answered: list[None] = []
    layer.follow(configuration).addCallback(answered.append)
    assert not answered
    shell_of(layer).installed.callback(None)
    assert answered == [None]


def test_the_kernel_is_made_ready_before_a_service_is_served() -> None:
    registry, configuration = serving(SERVICE)
    layer = made(registry)
    assert layer.prepare(configuration).called, "without a shell there is nothing to make ready"
    layer.follow(configuration)
    wanted = L4Settings(sysctls=(("mark.7", "tcp 192.0.2.1:80"),))
    more = evolve(configuration, l4=(SERVICE, MARKED), l4_settings=wanted)
    ready: list[None] = []
    layer.prepare(more).addCallback(ready.append)
    assert not ready
    assert shell_of(layer).prepared == [((SERVICE, MARKED), ["dns"], [7])]
    assert shell_of(layer).marks == (), "they count when they are served"
    shell_of(layer).installed.callback(None)
    assert ready == [None]


def test_what_it_lacks_is_said_of_every_service() -> None:
    registry, configuration = serving(SERVICE, MARKED)
    layer = made(registry)
    layer.follow(configuration)
    assert [(one.service, one.address, one.bound) for one in layer.listeners()] == [
        ("l4:dns", "udp 192.0.2.53:53", True),
        ("l4:marked", "fwmark 7 inet6", True),
    ]
    shell_of(layer).lacking = Lacking(("no CAP_NET_RAW",), "Grant it.")
    shell_of(layer).troubles["capture"] = "rules are refused"
    assert list(layer.reasons()) == ["layer 4 is off: no CAP_NET_RAW. Grant it.", "rules are refused"]
    assert {one.error for one in layer.listeners()} == {
        "layer 4 is off: no CAP_NET_RAW. Grant it.; rules are refused"
    }


def test_other_settings_need_a_restart_and_wrong_ones_are_refused() -> None:
    registry, configuration = serving(SERVICE)
    layer = made(registry)
    layer.check(configuration)
    layer.follow(configuration)
    layer.check(configuration)
    with pytest.raises(ChangeRefused, match="restart"):
        layer.check(evolve(configuration, l4_settings=L4Settings(conn_tab_bits=14)))
    with pytest.raises(ChangeRefused, match="restart"):
        layer.check(evolve(configuration, l4_settings=L4Settings(sysctls=(("max_flows", "9"),))))
    with pytest.raises(DirectorError, match="nonsense"):
        layer.check(evolve(configuration, l4_settings=L4Settings(sysctls=(("nonsense", "1"),))))


def test_sysctls_and_marks_change_while_it_runs() -> None:
    registry, configuration = serving(SERVICE)
    layer = made(registry)
    layer.follow(configuration)
    wanted = L4Settings(sysctls=(("sloppy_tcp", "1"), ("mark.7", "tcp 192.0.2.1:80")))
    other = evolve(configuration, l4_settings=wanted)
    layer.check(other)
    layer.follow(other)
    assert [mark.mark for mark in shell_of(layer).marks] == [7]


def test_a_lost_route_marks_the_services_of_that_server_only() -> None:
    far = Pool("far", (Server("a", Address("10.0.0.2", 53)), Server("b", Address("10.0.0.3", 53))))
    other = L4Service("far", Virtual("udp", "192.0.2.54", 53), "far")
    registry = registry_of()
    turn(registry, Configuration(pools=(POOL, far), l4=(SERVICE, other)))
    layer = made(registry)
    layer.follow(registry.configuration)
    shell_of(layer).troubles["route 10.0.0.2"] = "no route to server 10.0.0.2"
    said = {one.service: (one.bound, one.error) for one in layer.listeners()}
    assert said == {"l4:dns": (True, ""), "l4:far": (True, "no route to server 10.0.0.2")}
    shell_of(layer).troubles["route 10.0.0.3"] = "no route to server 10.0.0.3"
    assert [one.bound for one in layer.listeners()] == [True, False]
