"""The shell of layer 7: services come and go, clients stay; and whole requests over real sockets."""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from director.l7.io.access_log import AccessLog
from director.l7.io.listener import BindError
from director.l7.io.service import BATCH_RECORDS, Shell
from director.l7.io.stream import LARGE_READ, SMALL_READ
from director.l7.proxy.conversation import Conversation
from director.l7.proxy.exchange import Exchange
from director.l7.proxy.trace import FIELDS
from director.model.http import L7Service, L7Timeouts
from director.model.pools import Address, Pool, Queue, Server
from director.model.settings import Configuration
from director.program.layer7 import compile_services
from director.registry.registry import Registry
from tests.support.loops import Loop, loop_of
from tests.support.registries import registry_of, turn
from tests.support.running import free_port

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\n\r\nhi"


class House:
    """A shell, its registry, one origin, and clients."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.origin = socket.create_server(("127.0.0.1", 0))
        self.origin.settimeout(3)
        server = Server("a", Address(*self.origin.getsockname()))
        self.pool = Pool("web", (server,))
        self.address = Address("127.0.0.1", free_port())
        self.service = L7Service("www", (self.address,), pool="web", forwarded="off")
        self.registry: Registry = registry_of(configuration=self.configuration(self.service))
        self.shell = Shell(loop.reactor, AccessLog("off", "text", 0.0, loop.reactor), 64)
        self.ids = map(str, itertools.count(1))
        self.sockets: list[socket.socket] = []
        self.serve(self.service)
        self.shell.start()

    def configuration(self, *services: L7Service) -> Configuration:
        return Configuration(pools=(self.pool,), l7=services)

    def serve(self, *services: L7Service, waits: bool = False) -> None:
        """Serve these; raises BindError with nothing changed."""
        self.shell.prepare(services, waits=waits)
        turn(self.registry, self.configuration(*services))
        self.shell.apply(compile_services(self.registry.configuration, self.registry), lambda: next(self.ids))

    def call(self, address: Address | None = None) -> socket.socket:
        place = address or self.address
        made = socket.create_connection((place.host, place.port), 3)
        self.sockets.append(made)
        return made

    def accept(self) -> socket.socket:
        """The director's connection to the origin."""
        self.origin.setblocking(False)
        made: list[socket.socket] = []

        def come() -> bool:
            try:
                made.append(self.origin.accept()[0])
            except BlockingIOError:
                return False
            return True

        self.loop.turn(come)
        made[0].setblocking(False)
        self.sockets.append(made[0])
        return made[0]

    def read(self, sock: socket.socket, size: int = 1) -> bytes:
        """At least `size` octets, or what there is until the end."""
        sock.setblocking(False)
        got = b""
        ended = False

        def come() -> bool:
            nonlocal got, ended
            try:
                data = sock.recv(1 << 20)
            except BlockingIOError:
                return False
            got += data
            ended = not data
            return ended or len(got) >= size

        self.loop.turn(come)
        return got

    def asked(self) -> tuple[socket.socket, socket.socket]:
        """A client whose request is with the server."""
        client = self.call()
        client.sendall(GET)
        server = self.accept()
        self.read(server)
        return client, server

    def fill(self) -> None:
        """The server has room for one request, which it has; others wait."""
        full = evolve(self.pool.servers[0], max=1)
        self.pool = evolve(self.pool, servers=(full,), queue=Queue(9, 60.0))
        self.serve(self.service)
        self.asked()

    def begun(self) -> Any:
        """The side of a client that has sent half of a head."""
        self.call().sendall(b"GET / HT")
        self.loop.turn(lambda: self.shell.clients == 1)
        side: Any
        (side,) = next(iter(self.shell._listenings.values())).clients
        self.loop.turn(lambda: side.door.framer.buffer)
        return side

    def close(self) -> None:
        self.shell.stop(0.0)
        self.loop.quiet()
        for sock in [*self.sockets, self.origin]:
            sock.close()
        self.loop.quiet()
        assert self.shell.clients == 0
        assert self.shell.backends.open == 0


@pytest.fixture
def house() -> Iterator[House]:
    with loop_of() as loop:
        made = House(loop)
        yield made
        made.close()


def refuses(address: Address) -> bool:
    """Nobody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex((address.host, address.port)) != 0


# --- whole requests ----------------------------------------------------------------------------


def test_a_request_goes_through_and_the_server_connection_is_used_again(house: House) -> None:
    client = house.call()
    client.sendall(GET)
    server = house.accept()
    assert house.read(server).startswith(b"GET / HTTP/1.1\r\nHost: h\r\n")
    for _ in range(2):
        server.sendall(OK)
        assert house.read(client, len(OK)) == OK
        client.sendall(GET)
        assert house.read(server).startswith(b"GET / ")
    assert house.shell.backends.opened == 1
    assert house.shell.backends.reused == 2
    assert house.shell.repeating() == 1
    assert [record[-7] for record in house.shell.traces.last(9)] == [200, 200]


EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"


def answer_of(size: int) -> bytes:
    """An answer of `size` octets, head included."""
    head = b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: %6d\r\n\r\n"
    length = size - len(head % 0)
    return head % length + b"x" * length


@pytest.mark.parametrize("behind", [EVIL, b"\n"], ids=["answer", "octet"])
@pytest.mark.parametrize("size", [SMALL_READ, SMALL_READ + LARGE_READ, SMALL_READ + 2 * LARGE_READ, 200])
@pytest.mark.parametrize("order", ["one then other", "same client"])
def test_octets_behind_an_answer_reach_nobody(house: House, size: int, behind: bytes, order: str) -> None:
    """RFC 9112 6.3: a message ends where its framing says; what follows is no answer to anybody."""
    first, server = house.asked()
    second = house.call() if order == "one then other" else first
    house.loop.turn(lambda: house.shell.clients == (1 if second is first else 2))
    server.setblocking(True)
    # A large one needs its client to read meanwhile, and the next request comes before its end.
    server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * LARGE_READ)
    server.sendall(answer_of(size) + behind)
    second.sendall(GET)
    got = house.read(first, size)
    assert got == answer_of(size)
    fresh = house.accept()
    assert house.read(fresh).startswith(b"GET / ")
    fresh.sendall(OK)
    assert house.read(second, len(OK)) == OK
    assert house.shell.traces.last(2)[0][-7] == 200


def test_records_are_kept_and_logged_by_the_batch(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[list[str]] = []
    log = house.shell.access_log
    monkeypatch.setattr(log, "extend", lambda batch: logged.append([one[0] for one in batch]))
    numbers = [str(number) for number in range(BATCH_RECORDS + 2)]
    for number in numbers:
        record = dict.fromkeys(FIELDS, "") | {"id": number, "time": 0.0, "target": "/", "host": "h"}
        house.shell.record(tuple(record.values()))
    assert logged == [numbers[:-2]]
    # Who asks for traces gets those of the last moment, too; nothing is logged twice.
    assert [one[0] for one in house.shell.traces.last(3)] == numbers[:-4:-1]
    house.shell.settle()
    assert logged == [numbers[:-2], numbers[-2:]]


def test_a_client_that_does_not_read_holds_back_its_server(house: House) -> None:
    client, server = house.asked()
    size = 60_000_000
    server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
    sent = 0
    block = b"x" * 65536
    for _ in range(3000):
        try:
            sent += server.send(block)
        except BlockingIOError:
            house.loop.once(0.001)
    assert sent < size
    (side,) = next(iter(house.shell._listenings.values())).clients
    assert side.stream.is_blocked
    assert side.stream._queued < 1_000_000
    got = 0
    while got < sent:
        got += len(house.read(client))
    assert not side.stream.is_blocked


def test_a_client_that_does_not_read_gets_no_further_answers_queued(house: House) -> None:
    client = house.call()
    client.sendall(GET * 300)
    server = house.accept()
    size = 200_000
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
    owed = b""
    answered = 0
    for _ in range(1500):
        with contextlib.suppress(BlockingIOError):
            asked = server.recv(65536).count(b"GET ")
            answered += asked
            owed += answer * asked
        with contextlib.suppress(BlockingIOError):
            owed = owed[server.send(owed) :]
        house.loop.once(0.0005)
    (side,) = next(iter(house.shell._listenings.values())).clients
    assert side.stream.is_blocked
    assert answered < 300
    assert side.stream._queued < 1_000_000


def test_a_client_gone_inside_an_answer_takes_the_server_connection_along(house: House) -> None:
    client, _ = house.asked()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    house.loop.turn(lambda: house.shell.clients == 0)
    house.loop.turn(lambda: house.shell.backends.open == 0)
    assert house.registry.pools["web"].servers[0].active == 0


def test_a_deadline_is_delivered(house: House) -> None:
    house.serve(evolve(house.service, timeouts=L7Timeouts(client=0.2)))
    client = house.call()
    client.sendall(b"GET / HT")
    assert house.read(client, 20).startswith(b"HTTP/1.1 408 ")


def test_no_deadline_is_believed_by_a_sweep_that_comes_late(house: House) -> None:
    """The process was stopped for 3 s: what would end the wait may stand in the kernel."""
    side = house.begun()
    now = house.loop.reactor.seconds()
    side.door._until = now - 1.0
    house.shell._due = now - 3.0
    house.shell._look_at_deadlines(now)
    assert side.door.deadline == pytest.approx(now + 2.0)
    assert (house.shell.stalls, house.shell.clients) == (1, 1)
    house.shell._due = now


def test_a_loop_that_is_always_late_still_ends_what_hangs(house: House) -> None:
    side = house.begun()
    now = house.loop.reactor.seconds()
    ended = []
    for _ in range(3):
        house.shell._due = now - 0.06
        side.door._until = now - 1.0
        house.shell._look_at_deadlines(now)
        ended.append(side.door.closing)
    assert ended == [False, False, True]
    house.shell._due = now


def test_a_defect_costs_one_connection_and_gives_everything_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, server = house.asked()
    monkeypatch.setattr(Exchange, "finish", None)
    server.sendall(OK)
    with pytest.raises(ConnectionResetError):
        house.read(client)
    house.loop.turn(lambda: house.shell.clients == 0)
    assert house.shell.backends.open == 0
    assert house.registry.pools["web"].servers[0].active == 0


def test_a_line_moves_on_when_a_server_has_room(house: House) -> None:
    server = evolve(house.pool.servers[0], max=1)
    house.pool = evolve(house.pool, servers=(server,), queue=Queue(5, 3.0))
    house.serve(house.service)
    first, second = house.call(), house.call()
    first.sendall(GET)
    origin = house.accept()
    house.read(origin)
    second.sendall(GET)
    house.loop.turn(lambda: house.shell.queues.waiting == 1)
    origin.sendall(OK)
    assert house.read(first, len(OK)) == OK
    assert house.read(origin).startswith(b"GET /")
    origin.sendall(OK)
    assert house.read(second, len(OK)) == OK
    assert house.registry.pools["web"].waiting == 0


# --- services come and go ------------------------------------------------------------------------


def test_a_new_address_is_added_and_an_old_one_is_closed(house: House) -> None:
    client, server = house.asked()
    other = Address("127.0.0.1", free_port())
    house.serve(evolve(house.service, listen=(other,)))
    assert refuses(house.address)
    assert not refuses(other)
    server.sendall(OK)
    answer = house.read(client, len(OK))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Connection: close\r\n" in answer


def test_an_open_connection_survives_a_change_and_takes_the_new_site(house: House) -> None:
    client, server = house.asked()
    before = house.shell.handles["www"].current
    house.serve(evolve(house.service, timeouts=L7Timeouts(client=9.0)))
    assert house.shell.handles["www"].current is not before
    server.sendall(OK)
    assert house.read(client, len(OK)) == OK
    client.sendall(GET)
    assert house.read(server).startswith(b"GET /")
    server.sendall(OK)
    assert house.read(client, len(OK)) == OK


def test_an_address_moves_to_another_service_with_its_socket_and_its_clients(house: House) -> None:
    idle = house.call()
    busy, server = house.asked()
    house.loop.turn(lambda: house.shell.clients == 2)
    before = next(iter(house.shell._listenings.values())).port.socket
    # One that the kernel has taken and we have not.
    waits = house.call()
    house.serve(evolve(house.service, name="other"))
    assert house.shell.listeners() == [("other", str(house.address), 2)]
    assert next(iter(house.shell._listenings.values())).port.socket is before
    assert list(house.shell.handles) == ["other"]
    server.sendall(OK)
    # Nobody is told to leave.
    assert house.read(busy, len(OK)) == OK
    for client in (idle, busy, waits):
        client.sendall(GET)
        assert house.read(server).startswith(b"GET / ")
        server.sendall(OK)
        assert house.read(client, len(OK)) == OK
        assert house.shell.traces.last(1)[0][2] == "other"
    assert (house.shell.clients, seats(house, "other")) == (3, 3)


def test_an_address_that_is_written_differently_keeps_its_socket(house: House) -> None:
    anywhere = Address("", free_port())
    house.serve(evolve(house.service, listen=(anywhere,)))
    before = next(iter(house.shell._listenings.values())).port.socket
    other = evolve(anywhere, host="0.0.0.0")
    house.serve(evolve(house.service, listen=(other,)))
    assert house.shell.listeners() == [("www", str(other), 0)]
    assert next(iter(house.shell._listenings.values())).port.socket is before


def test_a_socket_file_that_moves_is_always_there(house: House, tmp_path: Path) -> None:
    address = Address(path=str(tmp_path / "s"))
    house.serve(evolve(house.service, listen=(address,)))
    number = (tmp_path / "s").stat().st_ino
    house.serve(evolve(house.service, name="other", listen=(address,)))
    assert (tmp_path / "s").stat().st_ino == number
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(address.path)
        client.sendall(GET)
        assert house.read(house.accept()).startswith(b"GET / ")


def test_services_that_change_places_keep_both_sockets(house: House) -> None:
    second = Address("127.0.0.1", free_port())
    two = evolve(house.service, name="two", listen=(second,))
    house.serve(house.service, two)
    ports = {one.address: one.port.socket for one in house.shell._listenings.values()}
    house.serve(evolve(house.service, listen=(second,)), evolve(two, listen=(house.address,)))
    assert {one.address: one.port.socket for one in house.shell._listenings.values()} == ports
    assert sorted(house.shell.listeners()) == [("two", str(house.address), 0), ("www", str(second), 0)]


def test_clients_do_not_follow_their_address_to_another_protocol(house: House) -> None:
    client = house.call()
    house.loop.turn(lambda: house.shell.clients == 1)
    client.sendall(GET)
    server = house.accept()
    house.read(server)
    house.serve(evolve(house.service, name="raw", protocol="tcp"))
    server.sendall(OK)
    assert b"Connection: close\r\n" in house.read(client, len(OK))
    assert house.shell.listeners() == [("raw", str(house.address), 0)]


def test_a_refused_bind_changes_nothing(house: House) -> None:
    good = Address("127.0.0.1", free_port())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bad = Address(*taken.getsockname())
        with pytest.raises(BindError):
            house.serve(evolve(house.service, listen=(good, bad)))
    assert house.shell._prepared == {}
    assert refuses(good)
    assert not refuses(house.address)
    assert house.shell.listeners()[0][:2] == ("www", str(house.address))


def test_an_address_in_use_may_be_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("director.l7.io.waiting.TRY_AGAIN", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bad = Address(*taken.getsockname())
        house.serve(evolve(house.service, listen=(house.address, bad)), waits=True)
        assert house.shell.none_opened() is None
        ((name, address, why),) = house.shell.unopened()
        assert (name, address) == ("www", str(bad))
        assert why.startswith("the address is in use; stop the other program")
        # A change that leaves it alone is not refused for it, and it may go to another service.
        other = evolve(house.service, name="other", listen=(bad,))
        house.serve(house.service, other)
        assert len(house.shell.unopened()) == 1
    house.loop.turn(lambda: not house.shell.unopened())
    house.call(bad).sendall(GET)
    assert house.read(house.accept()).startswith(b"GET / ")


def test_what_else_is_wrong_with_an_address_is_not_waited_for(house: House, tmp_path: Path) -> None:
    nowhere = Address(path=str(tmp_path / "no" / "socket"))
    with pytest.raises(BindError, match="cannot listen on unix:"):
        house.serve(evolve(house.service, listen=(house.address, nowhere)), waits=True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        house.shell.prepare([evolve(house.service, listen=(Address(*taken.getsockname()),))], waits=True)
        assert "in use" in str(house.shell.none_opened())
        house.shell.abandon()
    assert house.shell.none_opened() is None


def test_an_endpoint_string_serves(house: House) -> None:
    port = free_port()
    endpoint = Address(endpoint=f"tcp:{port}:interface=127.0.0.1")
    house.serve(evolve(house.service, listen=(house.address, endpoint)))
    client = house.call(Address("127.0.0.1", port))
    client.sendall(GET)
    server = house.accept()
    assert house.read(server).startswith(b"GET /")
    server.sendall(OK)
    assert house.read(client, len(OK)) == OK
    # A kept connection is let go when its address goes.
    house.serve(house.service)
    house.loop.turn(lambda: house.shell.clients == 0)
    client.close()


def test_an_endpoint_string_that_means_nothing_is_refused_before_anything_changes(house: House) -> None:
    with pytest.raises(BindError, match="cannot listen on nonsense:1"):
        house.serve(evolve(house.service, listen=(Address(endpoint="nonsense:1"),)))
    assert not refuses(house.address)


def seats(house: House, service: str) -> int:
    """How many clients it counts against its limit."""
    taken: int = house.shell.handles[service].current.live.seats.taken
    return taken


def test_the_limit_of_a_service_holds(house: House) -> None:
    house.serve(evolve(house.service, max_connections=1))
    first = house.call()
    house.loop.turn(lambda: house.shell.clients == 1)
    second = house.call()
    house.loop.quiet()
    assert house.shell.clients == 1
    first.close()
    house.loop.turn(lambda: seats(house, "www") == 0)
    second.sendall(GET)
    house.accept()
    assert house.shell.clients == 1


# --- stopping --------------------------------------------------------------------------------------


def test_a_stop_waits_for_requests_and_ends_idle_clients_at_once(house: House) -> None:
    idle = house.call()
    busy, server = house.asked()
    stopped: list[object] = []
    house.shell.stop(5.0).addCallback(stopped.append)
    assert house.read(idle) == b""
    assert refuses(house.address)
    assert stopped == []
    server.sendall(OK)
    assert b"Connection: close" in house.read(busy, len(OK))
    busy.close()
    idle.close()
    house.loop.turn(lambda: stopped)
    assert house.shell._timer is None


def test_a_stop_cuts_what_does_not_end(house: House) -> None:
    client = house.call()
    client.sendall(GET)
    house.read(house.accept())
    stopped: list[object] = []
    house.shell.stop(0.1).addCallback(stopped.append)
    house.loop.turn(lambda: stopped)
    assert house.shell.clients == 0
    assert house.registry.pools["web"].servers[0].active == 0


def test_a_stop_does_not_count_the_time_in_which_the_loop_stood_still(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, server = house.asked()
    house.shell.stop(5.0)
    # All timers are called at once, 4 s after the grace is over.
    seconds = house.loop.reactor.seconds
    monkeypatch.setattr(house.loop.reactor, "seconds", lambda: seconds() + 9.0)
    house.loop.reactor.runUntilCurrent()
    server.sendall(OK)
    assert house.read(client, len(OK)).endswith(b"hi")


def test_the_last_client_may_leave_inside_a_look_at_deadlines(house: House) -> None:
    house.call()
    house.loop.turn(lambda: house.shell.clients == 1)
    (side,) = next(iter(house.shell._listenings.values())).clients
    stopped: list[object] = []
    assert isinstance(side.door, Conversation)
    side.door.framer.feed(b"GET")
    house.shell.stop(5.0).addCallback(stopped.append)
    side.door.closing = True
    side.door._until = 0.0
    house.loop.turn(lambda: stopped)
    house.loop.quiet()
    assert house.shell._timer is None


# --- an early answer, and who leaves a queue unheard ----------------------------------------------------


@pytest.mark.parametrize("size", [20_000, 60_000])
def test_an_early_answer_is_whole_though_its_server_left_the_upload_unread(house: House, size: int) -> None:
    """Its kernel resets the connection, because octets of the upload were not read."""
    client = house.call()
    client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n" + b"x" * 100_000)
    server = house.accept()
    house.read(server)
    head = b"HTTP/1.1 413 No\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: %d\r\n\r\n" % size
    server.sendall(head + b"y" * size)
    server.close()
    client.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        client.send(b"x" * 200_000)
    got = house.read(client, size + 100)
    assert got.startswith(b"HTTP/1.1 413 ")
    assert got.count(b"y") == size
    assert house.shell.traces.last(1)[0][-6] == "ok"


@pytest.mark.parametrize("how", ["end", "reset"])
def test_who_leaves_while_its_upload_is_paused_gives_its_place_back(house: House, how: str) -> None:
    house.fill()
    waiting = house.call()
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n"
    waiting.setblocking(False)
    waiting.send(head + b"x" * 100_000)
    pool = house.registry.pools["web"]
    house.loop.turn(lambda: pool.waiting == 1)
    house.loop.quiet()
    if how == "reset":
        waiting.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    waiting.close()
    house.loop.turn(lambda: pool.waiting == 0)
    assert house.shell.clients == 1


def test_who_waits_for_a_pool_that_was_renamed_is_served_by_the_new_one(house: House) -> None:
    house.fill()
    waiting = house.call()
    waiting.sendall(GET)
    house.loop.turn(lambda: house.registry.pools["web"].waiting == 1)
    # The server is known by its address, so its work counts here, too: there is room for one more.
    house.pool = evolve(house.pool, name="renamed", servers=(evolve(house.pool.servers[0], max=2),))
    house.serve(evolve(house.service, pool="renamed"))
    fresh = house.accept()
    house.read(fresh)
    fresh.sendall(OK)
    assert house.read(waiting, len(OK)) == OK


def test_who_waits_in_a_service_that_goes_waits_no_more(house: House) -> None:
    house.fill()
    waiting = house.call()
    waiting.sendall(GET)
    house.loop.turn(lambda: house.registry.pools["web"].waiting == 1)
    house.pool = evolve(house.pool, name="other")
    house.serve(L7Service("new", (Address("127.0.0.1", free_port()),), pool="other", forwarded="off"))
    assert house.read(waiting, 20).startswith(b"HTTP/1.1 503 ")


def test_when_another_process_serves_on_idle_clients_stay_for_the_grace(house: House) -> None:
    """What they ask meanwhile is answered as their last; a path and a socket of the other are left alone."""
    idle, busy = house.call(), house.call()
    busy.sendall(GET)
    server = house.accept()
    for client in (busy, idle):
        client.sendall(GET[: 0 if client is busy else None])
        house.read(server)
        server.sendall(OK)
        house.read(client, len(OK))
    house.shell.hand_on()
    stopped: list[object] = []
    house.shell.stop(0.3).addCallback(stopped.append)
    assert refuses(house.address)
    busy.sendall(GET)
    house.loop.turn(lambda: house.shell.backends.open)
    house.read(server)
    server.sendall(OK)
    assert b"Connection: close" in house.read(busy, len(OK))
    assert house.read(idle) == b"", "when the grace is over"
    house.loop.turn(lambda: stopped)


def test_what_was_opened_here_can_be_handed_on_and_taken_over(house: House, tmp_path: Path) -> None:
    path = Address(path=str(tmp_path / "www.sock"))
    house.serve(evolve(house.service, listen=(house.address, path)))
    found = house.shell.sockets()
    assert set(found) == {(house.address.host, house.address.port), (path.path, 0)}
    left = {place: sock.dup() for place, sock in found.items()}
    house.shell.hand_on()
    house.serve(house.service)
    assert Path(path.path).is_socket(), "it is the other's"
    house.shell.hand_on(False)
    house.shell.inherited = lambda address: left.pop((address.path, 0), None)
    house.serve(evolve(house.service, listen=(house.address, path)))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path.path)
        house.loop.turn(lambda: house.shell.clients == 1)
    house.serve(house.service)
    assert not Path(path.path).exists()
    for sock in left.values():
        sock.close()
