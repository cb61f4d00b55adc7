"""Look-up order and eligibility as in `lvs-semantics` B.2 and B.5."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from director.admin.control import PacketQuestion
from director.errors import DirectorError
from director.model.pools import Address, Forward, Pool, SchedulerSpec, Server, State
from director.model.settings import Configuration
from director.model.virtual import L4Service, Virtual
from director.plugins import catalog
from director.program.configuration import rehearsal
from director.program.packets import explain_packet
from director.registry.changes import Ordered
from director.registry.registry import Registry


def pool(name: str, *weights: int) -> Pool:
    servers = tuple(
        Server(f"{name}{number}", Address("10.0.0.1", 53 + number), weight=weight)
        for number, weight in enumerate(weights)
    )
    return Pool(name, servers, scheduler=SchedulerSpec("wlc"))


CONFIGURATION = Configuration(
    pools=(pool("dns", 1, 3), pool("any", 1), pool("mark", 1)),
    l4=(
        L4Service("dns", Virtual("udp", "192.0.2.53", 53), "dns", Forward.DR),
        L4Service("any", Virtual("udp", "192.0.2.53", 0), "any", persistent=300.0, netmask=24),
        L4Service("mark", Virtual(fwmark=7), "mark"),
    ),
)


@pytest.fixture
def registry() -> Registry:
    return rehearsal(CONFIGURATION, catalog(()))


def asked(registry: Registry, virtual: str = "192.0.2.53:53", **more: Any) -> dict[str, Any]:
    host, _, port = virtual.rpartition(":")
    question = PacketQuestion("udp", Address("192.0.2.9", 4000), Address(host, int(port)))
    return dict(explain_packet(registry, evolve(question, **more), 0.0))


def test_the_exact_port_goes_before_any_port_and_a_mark_before_both(registry: Registry) -> None:
    assert asked(registry)["service"] == "l4:dns"
    assert asked(registry, "192.0.2.53:54")["service"] == "l4:any"
    assert asked(registry, mark=7)["service"] == "l4:mark"
    assert asked(registry, mark=8)["service"] == "l4:dns"


def test_the_choice_is_that_of_the_scheduler_and_nothing_is_claimed(registry: Registry) -> None:
    registry.pools["dns"].servers[0].active = 1
    for _ in range(3):
        told = asked(registry)
        assert (told["server"], told["scheduler"], told["candidates"]) == ("dns1", "wlc", 2)
        assert (told["forward"], told["weight"], told["load"]) == ("dr", 3, 0)
    assert sum(one.active + one.inactive for one in registry.servers()) == 1


def test_who_is_drained_or_supposed_down_is_not_chosen(registry: Registry) -> None:
    assert asked(registry, down=("dns/dns1",))["server"] == "dns0"
    registry.apply((Ordered("dns", "dns1", State.DRAIN),), "me", 0.0, 0.0)
    assert asked(registry)["server"] == "dns0"
    nobody = asked(registry, down=("dns/dns0",))
    assert (nobody["server"], nobody["candidates"]) == ("", 0)
    assert nobody["why_none"]


def test_persistence_is_told_with_its_mask(registry: Registry) -> None:
    told = asked(registry, "192.0.2.53:54")
    assert (told["persistent"], told["prefix"]) == (300.0, 24)
    assert asked(registry)["persistent"] is None


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"protocol": "tcp"}, "no service takes tcp packets for 192.0.2.53:53"),
        ({"virtual": "192.0.2.54:53"}, "no service takes"),
        ({"virtual": "www.example.org:53"}, "virtual is an address"),
        ({"down": ("dns/none",)}, "there is no server dns/none"),
    ],
)
def test_what_cannot_be_decided_says_why(registry: Registry, more: dict[str, Any], text: str) -> None:
    with pytest.raises(DirectorError, match=text):
        asked(registry, **more)
