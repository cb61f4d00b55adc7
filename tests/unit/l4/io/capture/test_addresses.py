"""Where an address must be, from what Linux `ip-sysctl.rst` says of arp_ignore."""

from __future__ import annotations

from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any

import pytest

from director.l4.io.capture.addresses import behind, disabled, ignored, missing, places, put, unanswered
from director.l4.io.netlink.rtnetlink import InterfaceAddress, KernelLink
from director.l4.io.netlink.view import KernelView

A = ip_address
NEAR, FAR, NEAR6, FAR6 = A("10.0.0.100"), A("198.51.100.10"), A("fd00::100"), A("2001:db8::1")


def host(*held: tuple[int, str, int]) -> KernelView:
    asker: Any = None
    view = KernelView(asker, lambda _event: None)
    for index, name in enumerate(("lo", "eth0", "eth1"), 1):
        view.apply(KernelLink(index, name, b"\2\0\0\0\0" + bytes((index,)), 1500, up=True, running=True))
    own = ((1, "127.0.0.1", 8), (2, "10.0.0.1", 24), (2, "fd00::1", 64), (3, "172.16.0.1", 24))
    for ifindex, address, prefix in (*own, *held):
        view.apply(InterfaceAddress(ifindex, A(address).packed, prefix))
    return view


@pytest.mark.parametrize(
    ("address", "ignores", "there"),
    [
        (NEAR, {}, ["lo"]),
        (FAR, {}, ["lo"]),
        (NEAR, {"eth0": 1}, ["eth0"]),
        (NEAR, {"eth0": 2}, ["eth0"]),
        (NEAR, {"eth1": 1}, ["lo"]),
        (NEAR, {"eth0": 3}, ["lo"]),
        (FAR, {"eth0": 1, "eth1": 2}, ["eth0", "eth1"]),
        (FAR, {"eth1": 1}, ["eth1"]),
        (A("127.0.0.9"), {"eth0": 1, "eth1": 1}, ["lo"]),
        (NEAR6, {"eth0": 1}, ["eth0"]),
        (FAR6, {}, ["lo"]),
    ],
)
def test_places(address: Any, ignores: dict[str, int], there: list[str]) -> None:
    assert places(host(), address, ["eth0", "eth1"], (), lambda name: ignores.get(name, 0)) == there


def test_an_ipv6_address_stays_where_it_is_when_two_will_do() -> None:
    view = host((3, "fd00::2", 64))
    assert places(view, NEAR6, [], ("eth1",)) == ["eth1"]
    assert places(view, NEAR6, [], ("lo",)) == ["eth0"]


@pytest.mark.parametrize(
    ("address", "ignores", "said"),
    [
        (NEAR, {"eth0": 8}, True),
        (NEAR, {"eth1": 8}, False),
        (NEAR, {"eth0": 2}, False),
        (FAR, {"eth0": 8, "eth1": 8}, True),
        (FAR, {"eth0": 2, "eth1": 8}, True),
        (FAR, {"eth0": 8}, False),
        (NEAR6, {"eth0": 8}, False),
    ],
)
def test_an_address_that_nobody_is_answered_for(address: Any, ignores: dict[str, int], said: bool) -> None:
    why = unanswered(host(), address, ["eth0", "eth1"], (), lambda name: ignores.get(name, 0))
    assert bool(why) == said
    assert not said or f"conf.eth0.arp_ignore is {ignores['eth0']}" in why


@pytest.mark.parametrize(
    ("ignores", "said"),
    [({"eth0": 8}, True), ({"eth0": 2}, True), ({"eth0": 1}, False), ({"eth1": 8}, False)],
)
def test_clients_do_not_come_from_where_the_servers_are(ignores: dict[str, int], said: bool) -> None:
    """With 2 the asker's own network must hold the address as well, and none does."""
    servers = behind(host(), [A("172.16.0.2"), A("172.16.0.3")])
    why = unanswered(host(), FAR, ["eth0", "eth1"], servers, lambda name: ignores.get(name, 0))
    assert bool(why) == said
    assert not said or why.endswith("set it to 0 or 1")
    on_one = unanswered(host(), FAR, ["eth1"], servers, lambda name: ignores.get(name, 0))
    assert bool(on_one) == (ignores.get("eth1") == 8), "where there is no other, they do"


def test_settings_are_read_once_for_all_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three hundred addresses on eighty interfaces were a hundred thousand files, at each look."""
    read: list[str] = []

    def arp_ignore(name: str) -> int:
        read.append(name)
        return 1

    monkeypatch.setattr("director.l4.io.sysctl.arp_ignore", arp_ignore)
    ignore = ignored(host())
    for number in range(1, 50):
        assert places(host(), A(f"198.51.100.{number}"), ["eth0", "gone0"], (), ignore) == ["eth0"]
    assert sorted(read) == ["eth0", "eth1", "lo"]


@pytest.mark.parametrize(
    ("interface", "address", "scope"),
    [("lo", FAR, "link"), ("eth0", FAR, "host"), ("lo", FAR6, "global"), ("eth0", NEAR6, "global")],
)
def test_the_host_does_not_speak_from_an_ipv4_address_that_it_was_given(
    interface: str, address: Any, scope: str
) -> None:
    """The scopes are those of `ip address` (/etc/iproute2/rt_scopes); arp_ignore 3 asks for link on `lo`."""
    added: list[tuple[int, bytes, int]] = []
    asker: Any = SimpleNamespace(add_address=lambda *one: added.append(one))
    assert put(asker, host(), (interface, str(address))) == ""
    ((_, packed, number),) = added
    assert (packed, number) == (address.packed, {"global": 0, "link": 253, "host": 254}[scope])


@pytest.mark.parametrize(
    ("address", "off", "where"),
    [(FAR6, {"lo"}, "lo"), (NEAR6, {"eth0", "lo"}, "eth0"), (NEAR6, {"lo", "eth1"}, ""), (FAR, {"lo"}, "")],
)
def test_an_interface_that_takes_no_such_address(address: Any, off: set[str], where: str) -> None:
    why = disabled(host(), address, ["eth0", "eth1"], off.__contains__)
    assert bool(why) == bool(where)
    assert not why or why.startswith(f"cannot be added to {where}: net.ipv6.conf.{where}.disable_ipv6 is 1")
    assert disabled(host((3, str(NEAR6), 64)), NEAR6, [], off.__contains__) == "", "it is there by itself"


def test_what_the_host_has_by_itself_will_do() -> None:
    assert missing(host(), NEAR, ["lo"], []) == ["lo"]
    assert missing(host((3, str(NEAR), 32)), NEAR, ["lo"], []) == []
    assert missing(host((2, str(NEAR6), 64)), NEAR6, ["eth0"], []) == []


def test_but_not_where_only_its_own_interface_answers() -> None:
    assert missing(host((1, str(NEAR), 32)), NEAR, ["eth0"], []) == ["eth0"]
    assert missing(host((2, str(NEAR), 24)), NEAR, ["eth0"], []) == []


def test_ours_stay_ours() -> None:
    assert missing(host((1, str(NEAR), 32)), NEAR, ["lo"], ["lo"]) == ["lo"]
