"""Accepting, refusing to bind, and resting when descriptors run out."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.interfaces import IReadDescriptor
from zope.interface.verify import verifyObject

from director.l7.io import listener as listener_module
from director.l7.io.listener import BindError, Listener, bind, bound_to, taken
from director.model.pools import Address
from tests.support.loops import Loop
from tests.support.said import said

ANY = Address("127.0.0.1", 0)


class Door:
    """A listener and those who came through it."""

    def __init__(self, loop: Loop, address: Address = ANY) -> None:
        self.came: list[tuple[Any, Any, Any]] = []
        self.room = True
        self.listener = Listener(loop.reactor, bind(address), self._accept, lambda: self.room)
        self.listener.start()

    def _accept(self, stream: Any, peer: Any, own: Any) -> None:
        self.came.append((stream, peer, own))

    @property
    def place(self) -> Any:
        return self.listener.socket.getsockname()

    def close(self) -> None:
        self.listener.close()
        for stream, _, _ in self.came:
            stream.abort()


@pytest.fixture
def door(loop: Loop) -> Iterator[Door]:
    made = Door(loop)
    yield made
    made.close()


def test_it_is_what_a_reactor_wants(door: Door) -> None:
    assert verifyObject(IReadDescriptor, door.listener)


def test_a_client_is_accepted_with_both_addresses(loop: Loop, door: Door) -> None:
    with socket.create_connection(door.place) as client:
        loop.turn(lambda: door.came)
        stream, peer, own = door.came[0]
        assert (peer, own) == (client.getsockname(), door.place)
        assert stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert not stream.socket.getblocking()
    assert door.listener.accepted == 1


def test_out_of_descriptors_it_rests_and_then_goes_on(loop: Loop, door: Door) -> None:
    real = door.listener.socket

    class Exhausted:
        """A socket whose accept fails as when descriptors have run out."""

        fileno = real.fileno
        getsockname = real.getsockname

        def accept(self) -> None:
            raise OSError(errno.EMFILE, "Too many open files")

    door.listener.socket = Exhausted()  # type: ignore[assignment]
    with socket.create_connection(door.place):
        loop.turn(lambda: door.listener.pauses)
        assert door.listener not in loop.reactor.getReaders()
        door.listener.socket = real
        loop.turn(lambda: door.came)
    assert door.listener.accepted == 1


def test_a_limit_leaves_clients_in_the_backlog(loop: Loop, door: Door) -> None:
    door.room = False
    with socket.create_connection(door.place):
        loop.turn(lambda: door.listener.pauses)
        assert door.came == []
        door.room = True
        loop.turn(lambda: door.came)


def test_a_limit_that_is_met_again_and_again_is_said_once_and_once_when_it_is_over(
    loop: Loop, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "QUIET_SECONDS", 0.3)
    with said("director.listener") as lines:
        for _ in range(3):
            door.room, pauses, came = False, door.listener.pauses, len(door.came)
            with socket.create_connection(door.place):
                loop.turn(partial(lambda before: door.listener.pauses > before, pauses))
                door.room = True
                loop.turn(partial(lambda before: len(door.came) > before, came))
        loop.turn(lambda: len(lines) > 1)
    assert len(lines) == 2
    assert lines[0].startswith("warn: the limit of client connections is reached: accepting rests")
    assert lines[1].startswith("info: accepting goes on without rests for 0.3s; it rested ")


def test_a_listener_that_rests_can_be_closed(loop: Loop, door: Door) -> None:
    door.room = False
    with socket.create_connection(door.place):
        loop.turn(lambda: door.listener.pauses)
        door.listener.close()
        door.listener.close()
    assert loop.reactor.getDelayedCalls() == []


def test_closing_takes_who_waits_in_the_backlog(loop: Loop, door: Door) -> None:
    """The kernel has answered them: a plain close would reset them."""
    clients = [socket.create_connection(door.place) for _ in range(300)]
    door.listener.close()
    assert len(door.came) == 300
    assert door.listener.fileno() == -1
    for stream, _, _ in door.came:
        stream.write(b"served")
    assert all(client.recv(9) == b"served" for client in clients)
    for client in clients:
        client.close()


def test_closing_takes_nobody_beyond_the_limit(door: Door) -> None:
    with socket.create_connection(door.place):
        door.room = False
        door.listener.close()
        assert door.came == []


def test_who_connects_belongs_to_whom_it_was_handed_over(loop: Loop, door: Door) -> None:
    came: list[Any] = []
    with socket.create_connection(door.place), socket.create_connection(door.place):
        door.listener.hand_over(lambda stream, _peer, _own: came.append(stream), lambda: True, list)
        loop.turn(lambda: len(came) == 2)
    assert door.came == []
    for stream in came:
        stream.abort()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Address("", 80), Address("0.0.0.0", 80)),
        (Address("::1", 80), Address("0:0:0:0:0:0:0:1", 80)),
        (Address(path="/run/x.sock"), Address(path="/run//./x.sock")),
    ],
    ids=str,
)
def test_an_address_written_differently_is_bound_alike(one: Address, other: Address) -> None:
    assert bound_to(one) == bound_to(other)
    assert bound_to(one) != bound_to(Address("127.0.0.1", 80))
    assert bound_to(one) != bound_to(Address("::", 80))


def test_a_socket_file_is_made_and_removed(loop: Loop, tmp_path: Path) -> None:
    path = tmp_path / "s"
    door = Door(loop, Address(path=str(path)))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        loop.turn(lambda: door.came)
    door.close()
    assert not path.exists()


def test_a_stale_socket_file_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with bind(Address(path=str(path))), pytest.raises(BindError, match="in use"):
        bind(Address(path=str(path)))
    path.unlink()
    path.write_text("precious")
    with pytest.raises(BindError):
        bind(Address(path=str(path)))
    assert path.read_text() == "precious"


def test_a_bind_error_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address(*taken.getsockname())
        with pytest.raises(BindError, match=rf"cannot listen on {address}: .*in use; stop the other program"):
            bind(address)
    with pytest.raises(BindError, match=r"does not have that address; add it \(ip address add\)"):
        bind(Address("192.0.2.1", 8080))


def test_all_addresses_of_both_families_stand_side_by_side() -> None:
    with bind(Address("", 0)) as four, bind(Address("::", four.getsockname()[1])) as six:
        assert four.getsockname()[1] == six.getsockname()[1]


def test_an_address_may_overlap_with_a_listener_of_ours_that_goes() -> None:
    wide = bind(Address("", 0))
    port = wide.getsockname()[1]
    with pytest.raises(BindError, match="in use"):
        bind(Address("127.0.0.1", port))
    narrow = bind(Address("127.0.0.1", port), beside=[wide])
    wide.close()
    with pytest.raises(BindError, match="in use"):
        bind(Address("127.0.0.1", port))
    with socket.create_connection(("127.0.0.1", port)) as client:
        accepted, _ = narrow.accept()
        accepted.sendall(b"here")
        assert client.recv(9) == b"here"
        accepted.close()
    narrow.close()


def test_an_address_of_another_program_is_in_use_whatever_goes() -> None:
    going = bind(ANY)
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(BindError, match="in use"):
        bind(Address("127.0.0.1", other.getsockname()[1]), beside=[going])
    going.close()


def test_whether_an_address_is_taken_is_seen_without_listening(tmp_path: Path) -> None:
    path = Address(path=str(tmp_path / "s"))
    with bind(ANY) as other, bind(path):
        assert taken(Address(*other.getsockname())).startswith("the address is in use; stop the other")
        assert "in use" in taken(Address("", other.getsockname()[1])), "by its port"
        assert "in use" in taken(path)
    assert taken(Address("127.0.0.1", 0)) == ""
    assert taken(path) == ""
    assert Path(path.path).exists(), "what a killed run left is the start's to remove"
    assert taken(Address("192.0.2.80", 80)) == "", "not here yet, so nobody has it"


@pytest.mark.parametrize("host", ["192.0.2.80", "2001:db8::80"])
def test_an_address_that_is_still_to_come(host: str) -> None:
    address = Address(host, 0)
    with pytest.raises(BindError, match="does not have that address"):
        bind(address)
    with bind(address, free=True) as sock:
        assert sock.getsockname()[0] == host


def test_a_place_that_nobody_took_is_given_back(loop: Loop) -> None:
    taken: list[str] = []
    came: list[Any] = []
    sock = bind(Address("127.0.0.1", 0))

    def room() -> bool:
        taken.append("taken")
        return True

    listener = Listener(loop.reactor, sock, lambda stream, _peer, _own: came.append(stream), room, taken.pop)
    listener.start()
    with socket.create_connection(sock.getsockname()):
        loop.turn(lambda: came)
        loop.quiet()
        assert taken == ["taken"], "one for who came, none for who did not"
    came[0].abort()
    listener.close()
    assert taken == ["taken"]
