"""What the director's own machine cannot do as a server; LVS's behaviour is V40 (`lvs-semantics` E)."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from director.l4.here import unfit
from director.model.pools import Address, Forward, Pool, Server
from director.model.virtual import L4Service, Mark, Virtual

OWN, OTHER = "172.16.0.1", "172.16.0.2"
LOCAL = frozenset({ip_address(OWN).packed, ip_address("fd00::1").packed, ip_address("127.0.0.1").packed})
WEB = Virtual("tcp", "198.51.100.10", 80)
MARKED = Virtual(fwmark=7)


def mark(*ports: int) -> tuple[Mark, ...]:
    return tuple(Mark(7, 6, ip_network("198.51.100.10"), (port, port)) for port in ports)


def told(
    server: Server, virtual: Virtual = WEB, forward: Forward = Forward.NAT, marks: tuple[Mark, ...] = ()
) -> str:
    service = L4Service("web", virtual, "web", forward)
    return "".join(map(str, unfit([service], {"web": Pool("web", (server,))}, marks, LOCAL)))


@pytest.mark.parametrize(
    ("host", "port", "virtual", "forward", "marks"),
    [
        (OTHER, 8080, WEB, Forward.NAT, ()),
        (OWN, 80, WEB, Forward.NAT, ()),
        (OWN, 0, WEB, Forward.NAT, ()),
        ("a.example", 8080, WEB, Forward.NAT, ()),
        # The configuration alone says so of these.
        (OWN, 8080, WEB, Forward.DR, ()),
        ("127.0.0.1", 80, WEB, Forward.LOCAL, ()),
        (OWN, 80, MARKED, Forward.NAT, mark(80)),
    ],
)  # fmt: skip
def test_what_the_stack_can_answer(
    host: str, port: int, virtual: Virtual, forward: Forward, marks: tuple[Mark, ...]
) -> None:
    assert told(Server("a", Address(host, port)), virtual, forward, marks) == ""


@pytest.mark.parametrize(
    ("host", "virtual", "marks", "where"),
    [
        (OWN, WEB, (), "let it listen on 198.51.100.10:80, or"),
        ("fd00::1", Virtual("tcp", "2001:db8::1", 80), (), "let it listen on [2001:db8::1]:80, or"),
        (OWN, MARKED, mark(80, 443), "let it listen on the virtual addresses and the ports that clients ask"),
        (OWN, MARKED, mark(80), "let it listen on the virtual address:80"),
    ],
)
def test_another_port_on_this_machine(
    host: str, virtual: Virtual, marks: tuple[Mark, ...], where: str
) -> None:
    said = told(Server("a", Address(host, 8080)), virtual, marks=marks)
    assert said.startswith(
        f"server web/a = {Address(host, 8080)} is this machine, whose stack gets packets as"
    )
    assert "the port 8080 is not used" in said
    assert where in said


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1"])
def test_the_loopback_is_out_of_reach(host: str) -> None:
    """IPVS refuses it as well: packets from outside must not reach what listens there only."""
    said = told(Server("a", Address(host, 80)))
    assert "packets of clients never get there" in said
    assert "forward=local" in said


def test_the_servers_own_method_counts() -> None:
    assert told(Server("a", Address(OWN, 8080), forward=Forward.NAT), forward=Forward.DR)
    assert not told(Server("a", Address(OWN, 8080), forward=Forward.DR))
