from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock

from director.admin.service import TRY_AGAIN, AdminService, check_listen
from director.errors import DirectorError, unbound
from director.model.pools import Address
from tests.support.raising import nothing_raised
from tests.support.running import free_port
from tests.support.said import said
from tests.unit.admin import sample

LISTEN = Address("127.0.0.1", 8404)


class Reactor(MemoryReactorClock):
    """Twisted's memory reactor; a port in `taken` cannot be bound."""

    taken: frozenset[int] = frozenset()

    def listenTCP(self, port: int, factory: object, backlog: int = 50, interface: str = "") -> object:  # noqa: N802
        if port in self.taken:
            raise CannotListenError(interface, port, OSError(98, "Address already in use"))
        found = super().listenTCP(port, factory, backlog, interface)
        found._hostAddress = IPv4Address("TCP", interface, port)
        return found


@pytest.fixture
def reactor() -> Reactor:
    return Reactor()


@pytest.fixture
def service(tmp_path: Path, reactor: Reactor) -> Iterator[AdminService]:
    made = AdminService(sample.control(), LISTEN, tmp_path, reactor)
    yield made
    if made.running:
        made.stopService()


def test_it_listens_and_gives_the_link(service: AdminService, tmp_path: Path, reactor: Reactor) -> None:
    service.startService()
    token = (tmp_path / "admin.token").read_text().strip()
    assert re.fullmatch(r"http://127.0.0.1:8404/login\?token=[\w-]{43}", service.link)
    assert token not in service.link
    assert service.link == service.link, "the one that is printed"
    assert service.make_link() != service.link
    assert [server[0] for server in reactor.tcpServers] == [8404]
    assert [server[0] for server in reactor.unixServers] == [str(tmp_path / "control.sock")]
    assert [one.bound for one in service.listeners()] == [True, True]


def test_a_taken_port_is_an_event_not_an_end(service: AdminService, reactor: Reactor) -> None:
    reactor.taken = frozenset({8404})
    service.startService()
    socket_, port = service.listeners()
    assert socket_.bound
    assert not port.bound
    assert port.error == unbound(OSError(98, "")) + "; it is tried again"
    assert service.control_socket == socket_.address.removeprefix("unix:")
    assert service.link == ""


def test_a_taken_port_is_tried_again_and_said_once(service: AdminService, reactor: Reactor) -> None:
    reactor.taken = frozenset({8404})
    with said("director.admin.service") as lines:
        service.startService()
        reactor.advance(3 * TRY_AGAIN)
        reactor.taken = frozenset()
        reactor.advance(TRY_AGAIN)
    assert [line.partition(":")[0] for line in lines if "listen" in line] == ["error", "info"]
    assert lines[-1] == "info: the admin listens on 127.0.0.1:8404 now"
    assert [one.bound for one in service.listeners()] == [True, True]
    assert service.link
    service.stopService()


def test_nothing_is_tried_after_the_end(service: AdminService, reactor: Reactor) -> None:
    reactor.taken = frozenset({8404})
    service.startService()
    service.stopService()
    assert reactor.getDelayedCalls() == []


def test_no_control_socket_is_named_when_there_is_none(tmp_path: Path, reactor: Reactor) -> None:
    state_dir = tmp_path / ("x" * 120)
    made = AdminService(sample.control(), LISTEN, state_dir, reactor)
    made.startService()
    assert made.control_socket == ""
    assert made.link
    made.stopService()


def test_rates_are_sampled_each_two_seconds(service: AdminService, reactor: Reactor) -> None:
    service.startService()
    registry = service._control.registry  # type: ignore[attr-defined]
    for second in range(3):
        service._control.at = type(service._control.at)(1002.0 + 2 * second, 0.0)  # type: ignore[attr-defined]
        registry.services["l7:www"].requests.requests += 8
        reactor.advance(2)
    assert service._history.rates.per_second("l7:www") == 4.0


def test_stopping_leaves_nothing(service: AdminService, reactor: Reactor) -> None:
    service.startService()
    service.stopService()
    assert service.listeners() == ()
    assert not reactor.getDelayedCalls()


def test_another_token_is_made_and_kept(service: AdminService, tmp_path: Path) -> None:
    service.startService()
    old = (tmp_path / "admin.token").read_text()
    assert service.rotate() == str(tmp_path / "admin.token")
    assert (tmp_path / "admin.token").read_text() != old
    assert (tmp_path / "admin.token").stat().st_mode & 0o777 == 0o600


def test_without_a_start_there_is_no_link(service: AdminService) -> None:
    assert service.make_link() == ""


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "10.0.0.1", "example.org"])
def test_clear_text_stays_on_this_machine(host: str) -> None:
    with pytest.raises(DirectorError, match="loopback"):
        check_listen(Address(host, 8404))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_is_fine(host: str) -> None:
    with nothing_raised(f"{host} is loopback"):
        check_listen(Address(host, 8404))


def test_a_path_too_long_for_a_socket_says_what_to_do(tmp_path: Path, reactor: Reactor) -> None:
    deep = tmp_path / ("d" * 100)
    made = AdminService(sample.control(), None, deep, reactor)
    made.startService()
    (found,) = made.listeners()
    assert not found.bound
    assert "shorter state_dir" in found.error
    made.stopService()


def test_the_socket_is_private_from_its_first_moment(tmp_path: Path) -> None:
    """On the real reactor's port class: what the kernel shows is what counts."""
    from twisted.internet import reactor as real

    made = AdminService(sample.control(), None, tmp_path, real)
    made._beats.clock = MemoryReactorClock()
    made.startService()
    try:
        path = tmp_path / "control.sock"
        assert path.is_socket()
        assert path.stat().st_mode & 0o777 == 0o600
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(path))
    finally:
        made.stopService()


def test_another_program_answers_at_the_same_sockets(tmp_path: Path) -> None:
    """The one before accepts nobody more and leaves the path; it can come back."""
    from twisted.internet import reactor as real

    listen = Address("127.0.0.1", free_port())
    path = tmp_path / "control.sock"
    first = AdminService(sample.control(), listen, tmp_path, real)
    first._beats.clock = MemoryReactorClock()
    first.startService()
    left = {address: socket.socket(fileno=os.dup(number)) for address, number in first.sockets().items()}
    assert set(left) == {str(Address(path=str(path))), str(listen)}
    first.pause()
    assert not (tmp_path / "control.sock.lock").is_symlink(), "it would name a process that goes"
    second = AdminService(sample.control(), listen, tmp_path, real, lambda address: left.pop(address, None))
    second._beats.clock = MemoryReactorClock()
    second.startService()
    try:
        assert left == {}
        assert [one.bound for one in second.listeners()] == [True, True]
        assert second.page == f"http://{listen}"
        first.resume()
        first.pause()
        held = list(first._ports)
        first.stopService()
        assert path.stat().st_mode & 0o777 == 0o600
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(path))
        with socket.create_connection((listen.host, listen.port)):
            pass
    finally:
        second.stopService()
        for port in held:
            port.socket.close()
