"""Layer 4 in the composition, with a packet shell that has no sockets."""

from __future__ import annotations

import ipaddress
from ipaddress import ip_address, ip_network
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from director.errors import ChangeRefused
from director.l4.io.alarms import NEWS
from director.l4.io.capture.plan import Endpoint
from director.l4.io.netlink.rtnetlink import InterfaceAddress, KernelLink
from director.l4.io.netlink.view import AddressesChanged, LinkChanged, NeighbourFailed, NeighbourKnown
from director.l4.io.packet.pending import Hop
from director.l4.io.probe import Lacking
from director.l4.verdicts import Drop, Install, Verdict
from director.model.http import L7Service
from director.model.pools import Address, Pool, Server, State
from director.model.settings import Configuration
from director.model.virtual import L4Service, L4Settings, Mark, Virtual
from director.program.layer4 import Layer4
from director.registry.changes import Ordered, ServiceSet
from director.registry.registry import Registry
from tests.support.candidates import candidate
from tests.support.layer4_shell import Shell
from tests.support.layer4_world import CLIENT, CLIENT_MAC, OUTER_MAC, OUTSIDE, VIP, sent
from tests.support.registries import registry_of, turn
from tests.support.said import said

POOL = Pool("dns", (Server("a", Address("10.0.0.11", 53)),))
SERVICE = L4Service("dns", Virtual("udp", "192.0.2.53", 53), "dns")
MARKED = L4Service("marked", Virtual(fwmark=7, family=6), "dns")
WEB = L7Service("www", (Address("192.0.2.53", 80), Address("", 81), Address(path="/run/x")), pool="dns")


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
    layer.stop(0.0)


def test_the_first_service_starts_it_and_every_change_reaches_it() -> None:
    registry, configuration = serving(SERVICE, l7=(WEB,))
    layer = made(registry)
    layer.follow(configuration)
    layer.follow(evolve(configuration, l4=()))
    shell = shell_of(layer)
    assert shell.started == 1
    kept = (Endpoint(6, ipaddress.ip_address("192.0.2.53"), 80, 80),)
    assert shell.reloads == [((SERVICE,), ["dns"], kept), ((), ["dns"], kept)]
    layer.stop(0.0)
    assert shell.stopped == 1


def test_answers_of_servers_that_left_are_captured_while_their_flows_live() -> None:
    """IPVS finds a connection for a server's packet whether or not the server is still there (C.4)."""
    web = L4Service("web", Virtual("udp", VIP, 53), "dns")
    registry, configuration = serving(web)
    layer = made(registry)
    layer.follow(configuration)
    assert layer.forwarder is not None
    query = Ether(src=CLIENT_MAC, dst=OUTER_MAC) / IP(src=CLIENT, dst=VIP) / UDP(sport=9, dport=53) / b"x"
    layer.forwarder.receive(bytearray(bytes(query)), OUTSIDE, 0.0)
    turn(registry, evolve(configuration, pools=(evolve(POOL, servers=()),)))
    layer.follow(registry.configuration)
    shell = shell_of(layer)
    server = ipaddress.ip_address(POOL.servers[0].address.host)
    assert shell.owed == (Endpoint(17, server, 53, 53),)
    before = len(shell.reloads)
    layer.sweep()
    assert len(shell.reloads) == before
    for entry in tuple(layer.forwarder.table.entries):
        layer.forwarder.table.expire_now(entry)
    layer.sweep()
    assert len(shell.reloads) == before + 1
    assert not shell.owed


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
        verdict = layer.forwarder.receive(bytearray(bytes(frame)), OUTSIDE, 1.0)
        return verdict.verdict if isinstance(verdict, Install) else verdict

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
    assert figures.counters == {
        "land": 1, "drop_no_interface": 2, "d0_received": 3, "made_room": 0, "entries_dropped": 0,
    }  # fmt: skip
    assert (figures.flows, figures.total) == (0, forwarder.total.figures())


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
    assert layer.prepare(candidate(configuration)) is None, "without a shell there is nothing to make ready"
    layer.follow(configuration)
    wanted = L4Settings(marks=(Mark(7, 6, ip_network("192.0.2.1/32"), (80, 80)),))
    more = evolve(configuration, l4=(SERVICE, MARKED), l4_settings=wanted)
    ready: list[None] = []
    order = Ordered("dns", POOL.servers[0].name, State.DRAIN)
    assert layer.prepare(candidate(more, order)) is None, "an order changes nobody's packets"
    preparing = layer.prepare(candidate(more, ServiceSet(MARKED)))
    assert preparing is not None
    preparing.addCallback(ready.append)
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


def test_other_settings_need_a_restart() -> None:
    registry, configuration = serving(SERVICE)
    layer = made(registry)
    layer.check(candidate(configuration))
    layer.follow(configuration)
    layer.check(candidate(configuration))
    with pytest.raises(ChangeRefused, match="restart"):
        layer.check(candidate(evolve(configuration, l4_settings=L4Settings(conn_tab_bits=14))))
    with pytest.raises(ChangeRefused, match="restart"):
        layer.check(candidate(evolve(configuration, l4_settings=L4Settings(max_flows=9))))


def test_sysctls_and_marks_change_while_it_runs() -> None:
    registry, configuration = serving(SERVICE)
    layer = made(registry)
    layer.follow(configuration)
    wanted = L4Settings(sloppy_tcp=1, marks=(Mark(7, 6, ip_network("192.0.2.1/32"), (80, 80)),))
    other = evolve(configuration, l4_settings=wanted)
    layer.check(candidate(other))
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


def test_an_address_that_cannot_be_reached_concerns_its_own_services_only() -> None:
    other = L4Service("far", Virtual("udp", "192.0.2.54", 53), "dns")
    registry, configuration = serving(SERVICE, other)
    layer = made(registry)
    layer.follow(configuration)
    shell_of(layer).troubles["address 192.0.2.54"] = "virtual address 192.0.2.54 is not answered for"
    said = {one.service: (one.bound, one.error) for one in layer.listeners()}
    assert said == {"l4:dns": (True, ""), "l4:far": (False, "virtual address 192.0.2.54 is not answered for")}


def test_a_trouble_is_said_once_when_it_begins_and_once_when_it_is_over() -> None:
    registry, configuration = serving(SERVICE)
    layer = made(registry)
    layer.look()
    layer.follow(configuration)
    troubles = shell_of(layer).troubles
    with said("director.l4") as lines:
        troubles["d0"] = "interface d0 is down; layer 4 works on it when it is up"
        for _ in range(3):
            layer.look()
        troubles.over("d0")
        layer.look()
    assert lines == [
        "warn: layer 4: interface d0 is down; layer 4 works on it when it is up",
        "info: layer 4: over after 0s: interface d0 is down",
    ]


def test_a_server_on_this_machine_that_is_asked_elsewhere_is_said_once() -> None:
    """Also when the machine gets its address later."""
    server = ip_address("10.0.0.11").packed
    registry, configuration = serving(evolve(SERVICE, virtual=Virtual("udp", "192.0.2.53", 5353)))
    layer = made(registry)
    local: set[bytes] = set()
    with said("director.l4") as lines:
        layer.follow(configuration)
        shell_of(layer).view = SimpleNamespace(local=lambda: local)
        layer.look()
        assert lines == []
        local.add(server)
        for _ in range(2):
            shell_of(layer).tell(AddressesChanged(InterfaceAddress(2, server, 24)))
            layer.look()
    (line,) = lines
    assert "server dns/a = 10.0.0.11:53 is this machine" in line


def test_what_readyz_tells_and_tells_no_longer_is_in_the_log() -> None:
    """However short it was: the look of the log may be a quarter of a second away."""
    registry, configuration = serving(SERVICE)
    layer = made(registry)
    layer.follow(configuration)
    troubles = shell_of(layer).troubles
    with said("director.l4") as lines:
        troubles["route 1"] = "no route to server 1; traffic resumes when there is one"
        assert list(layer.reasons()) == ["no route to server 1; traffic resumes when there is one"]
        assert len(lines) == 1
        troubles.over("route 1")
        assert list(layer.reasons()) == []
    assert lines[1:] == ["info: layer 4: over after 0s: no route to server 1"]


def test_a_lost_network_does_not_flood_the_log() -> None:
    registry, configuration = serving(SERVICE)
    layer = made(registry)
    layer.follow(configuration)
    with said("director.l4") as lines:
        for number in range(NEWS + 44):
            shell_of(layer).troubles[f"route {number}"] = f"no route to {number}"
        layer.look()
    assert len(lines) == 21
    assert lines[-1] == "warn: layer 4: 280 more changes of this kind; /readyz has what is wrong now"


def test_a_server_that_does_not_answer_arp_is_said_once_until_it_answers() -> None:
    registry, configuration = serving(SERVICE)
    layer = made(registry)
    layer.follow(configuration)
    tell = shell_of(layer).tell
    server: Hop = (1, ipaddress.ip_address("10.0.0.11").packed)
    client: Hop = (1, ipaddress.ip_address("10.0.0.99").packed)
    with said("director.l4") as lines:
        for hop in (server, client, server):
            tell(NeighbourFailed(hop))
        for hop in (client, server, server):
            tell(NeighbourKnown(hop, b"\2\0\0\0\0\1"))
    assert lines == [
        "warn: server 10.0.0.11 does not answer ARP or NDP; its packets are dropped until it does",
        "info: server 10.0.0.11 answers ARP or NDP again",
    ]


def test_interfaces_are_news_when_none_is_named_and_one_of_them_changes() -> None:
    registry, configuration = serving(SERVICE)
    layer = made(registry)
    layer.follow(configuration)
    up = KernelLink(2, "d0", b"\2\0\0\0\0\1", 1500, up=True, running=True)
    with said("director.l4") as lines:
        for name in ("d0", "lo", "dirstack0"):
            for usable in (True, True, False, True):
                shell_of(layer).tell(LinkChanged(evolve(up, name=name, up=usable), usable))
        shell_of(layer).tell(LinkChanged(evolve(up, gone=True), usable=False))
    assert lines == [
        "warn: interface d0 is down",
        "warn: interface d0 is up",
        "warn: interface d0 is gone",
    ]


def test_its_condition_is_another_when_what_it_tells_is() -> None:
    registry, configuration = serving(SERVICE)
    layer = made(registry)
    assert layer.condition() is None
    layer.follow(configuration)
    sound = layer.condition()
    assert layer.condition() == sound
    shell_of(layer).troubles["capture"] = "no rules"
    assert (layer.condition() == sound, list(layer.reasons())) == (False, ["no rules"])
    shell_of(layer).troubles.over("capture")
    assert (layer.condition() == sound, list(layer.reasons())) == (True, [])
    turn(registry, evolve(configuration, l4=()))
    assert layer.condition() != sound


def test_another_program_may_go_on_and_may_not() -> None:
    registry, configuration = serving(SERVICE)
    layer = made(registry)
    assert layer.alone
    layer.start()
    first = shell_of(layer)
    layer.let_go()
    assert layer.shell is None
    layer.sweep()
    layer.look()
    layer.go_on()
    assert shell_of(layer) is not first
    layer.stop(0.0)
    assert configuration.l4 == (SERVICE,)
