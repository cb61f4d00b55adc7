"""Streams on real sockets and real reactors."""

from __future__ import annotations

import contextlib
import errno
import random
import socket
from collections.abc import Iterator

import pytest
from twisted.internet.interfaces import IHalfCloseableDescriptor, IReadWriteDescriptor
from zope.interface.verify import verifyObject

from director.l7.io.pipes import PIPE_OCTETS, Pipes
from director.l7.io.stream import HIGH_WATER, LARGE_READ, SMALL_READ, Stream, words
from tests.support.loops import Loop, Owner, accepted


class Pair:
    """A stream and the other end of its connection."""

    def __init__(self, loop: Loop) -> None:
        near, self.peer = accepted()
        self.peer.settimeout(3)
        self.owner = Owner()
        self.stream = Stream(loop.reactor, near, self.owner)
        self.stream.resume()


@pytest.fixture
def pair(loop: Loop) -> Iterator[Pair]:
    made = Pair(loop)
    yield made
    made.stream.abort()
    made.peer.close()


def drain(loop: Loop, pair: Pair, size: int) -> bytes:
    """Read `size` octets at the other end while the loop turns."""
    pair.peer.setblocking(False)
    got = b""

    def read() -> bool:
        nonlocal got
        with contextlib.suppress(BlockingIOError):
            got += pair.peer.recv(1 << 20)
        return len(got) >= size

    loop.turn(read)
    return got


def test_it_is_what_a_reactor_wants(pair: Pair) -> None:
    assert verifyObject(IReadWriteDescriptor, pair.stream)
    assert verifyObject(IHalfCloseableDescriptor, pair.stream)


def test_octets_come_and_go(loop: Loop, pair: Pair) -> None:
    pair.peer.sendall(b"ping")
    loop.turn(lambda: pair.owner.data == b"ping")
    pair.stream.write(b"pong")
    assert pair.peer.recv(9) == b"pong"
    assert pair.stream.progress == 4


def test_what_the_socket_does_not_take_keeps_its_order(loop: Loop, pair: Pair) -> None:
    parts = [bytes([65 + number]) * 700_000 for number in range(20)]
    for part in parts:
        pair.stream.write(part)
    assert pair.stream.is_blocked
    assert pair.owner.told == ["blocked"]
    whole = b"".join(parts)
    assert drain(loop, pair, len(whole)) == whole
    loop.turn(lambda: pair.owner.told == ["blocked", "drained"])
    assert not pair.stream.is_blocked
    assert pair.stream.progress == len(whole)


def test_little_is_queued_without_a_word(pair: Pair) -> None:
    pair.stream._enqueue(memoryview(b"x" * HIGH_WATER))
    assert pair.owner.told == []
    pair.stream._enqueue(memoryview(b"x"))
    assert pair.owner.told == ["blocked"]


def test_a_fin_still_lets_us_write(loop: Loop, pair: Pair) -> None:
    pair.peer.sendall(b"last")
    pair.peer.shutdown(socket.SHUT_WR)
    loop.turn(lambda: pair.owner.told == ["ended"])
    assert pair.owner.data == b"last"
    pair.stream.write(b"answer")
    assert pair.peer.recv(9) == b"answer"


def test_an_end_is_told_once_however_often_reading_is_asked_for(loop: Loop, pair: Pair) -> None:
    pair.peer.shutdown(socket.SHUT_WR)
    loop.turn(lambda: pair.owner.told)
    pair.stream.resume()
    loop.quiet()
    assert pair.owner.told == ["ended"]


def test_our_fin_goes_behind_what_is_queued(loop: Loop, pair: Pair) -> None:
    big = b"x" * 9_000_000
    pair.stream.write(big)
    pair.stream.end()
    assert len(drain(loop, pair, len(big))) == len(big)
    loop.turn(lambda: not pair.stream._ending)
    pair.peer.setblocking(True)
    assert pair.peer.recv(1) == b""
    pair.peer.sendall(b"more")
    loop.turn(lambda: pair.owner.data == b"more")


def test_a_close_goes_behind_what_is_queued(loop: Loop, pair: Pair) -> None:
    big = b"x" * 9_000_000
    pair.stream.write(big)
    pair.stream.close()
    assert pair.stream.socket is not None
    assert len(drain(loop, pair, len(big))) == len(big)
    loop.turn(lambda: pair.stream.socket is None)
    assert pair.owner.told[-1] == "lost"


def test_an_abort_is_a_reset(pair: Pair) -> None:
    pair.stream.write(b"half")
    pair.stream.abort()
    assert pair.owner.told == ["lost"]
    with pytest.raises(ConnectionResetError):
        pair.peer.recv(9) and pair.peer.recv(9)


def test_a_reset_by_the_peer_is_told_in_words(loop: Loop, pair: Pair) -> None:
    pair.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    pair.peer.close()
    loop.turn(lambda: pair.owner.told)
    assert pair.owner.told == ["lost connection reset"]


def test_an_error_of_writing_is_told_from_the_loop(loop: Loop, pair: Pair) -> None:
    pair.stream.pause()
    pair.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    pair.peer.close()
    for _ in range(3):
        pair.stream.write(b"x")
    assert pair.owner.told == []
    loop.turn(lambda: pair.owner.told)
    assert pair.owner.told == ["lost connection reset"]


def test_a_paused_stream_reads_nothing(loop: Loop, pair: Pair) -> None:
    pair.stream.pause()
    pair.peer.sendall(b"x")
    loop.quiet()
    assert pair.owner.data == b""
    pair.stream.resume()
    loop.turn(lambda: pair.owner.data == b"x")


def test_what_came_can_be_read_without_a_turn_of_the_loop(pair: Pair) -> None:
    pair.peer.sendall(b"waiting")
    pair.stream.read_now()
    assert pair.owner.data == b"waiting"
    pair.stream.read_now()
    pair.stream.pause()
    pair.peer.sendall(b"more")
    pair.stream.read_now()
    assert pair.owner.data == b"waiting"


def test_after_the_end_nothing_is_told_and_nothing_fails(loop: Loop, pair: Pair) -> None:
    pair.stream.abort()
    for call in (
        pair.stream.pause,
        pair.stream.resume,
        pair.stream.end,
        pair.stream.close,
        pair.stream.abort,
    ):
        call()
    pair.stream.write(b"x")
    pair.stream.fail("late")
    loop.quiet()
    assert pair.owner.told == ["lost"]
    assert pair.stream.fileno() == -1


def test_what_waits_to_be_read_is_seen_and_left(loop: Loop, pair: Pair) -> None:
    pair.stream.pause()
    assert pair.stream.waiting() is None
    pair.peer.sendall(b"xyz")
    # The kernel of a loopback connection has it at once.
    assert pair.stream.waiting() == b"x"
    pair.stream.resume()
    loop.turn(lambda: pair.owner.data == b"xyz")
    pair.stream.pause()
    pair.peer.shutdown(socket.SHUT_WR)
    assert pair.stream.waiting() == b""
    pair.stream.abort()
    assert pair.stream.waiting() == b""


def test_a_refused_connect_is_told_in_words(loop: Loop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = server.getsockname()
    sock = socket.socket()
    sock.setblocking(False)
    owner = Owner()
    stream = Stream(loop.reactor, sock, owner, connecting=True)
    assert sock.connect_ex(place) == errno.EINPROGRESS
    stream.wait_for_connect()
    loop.turn(lambda: owner.told)
    assert owner.told == ["lost connection refused"]


def test_a_connect_sends_what_was_written_before(loop: Loop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        sock = socket.socket()
        sock.setblocking(False)
        owner = Owner()
        stream = Stream(loop.reactor, sock, owner, connecting=True)
        sock.connect_ex(server.getsockname())
        stream.wait_for_connect()
        stream.write(b"early")
        loop.turn(lambda: owner.told)
        assert owner.told == ["connected"]
        far, _ = server.accept()
        assert far.recv(9) == b"early"
        far.close()
        stream.abort()


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (errno.ECONNREFUSED, "connection refused"),
        (errno.EHOSTUNREACH, "no route to host"),
        (errno.EADDRNOTAVAIL, "out of local ports"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_errors_have_words(number: int, text: str) -> None:
    assert words(OSError(number, "")) == text


@pytest.mark.parametrize(
    ("wanted", "largest"), [(0, SMALL_READ), (50_000, 50_000), (1 << 40, LARGE_READ)], ids=str
)
def test_no_more_is_read_at_once_than_is_welcome(loop: Loop, pair: Pair, wanted: int, largest: int) -> None:
    pair.owner.appetite = wanted
    pair.stream.pause()
    pair.peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    pair.peer.setblocking(False)
    sent = pair.peer.send(b"x" * (1 << 20))
    assert sent > LARGE_READ + SMALL_READ
    pair.stream.resume()
    loop.turn(lambda: len(pair.owner.data) == sent)
    assert pair.owner.reads[0] == SMALL_READ
    assert max(pair.owner.reads) == largest


# --- a write that fails says nothing of what is still to be read ----------------------------------------


def reset_behind(pair: Pair, data: bytes) -> None:
    """The peer answers and closes with octets of ours unread: its kernel resets the connection."""
    pair.stream.write(b"x" * 1000)
    pair.peer.sendall(data)
    pair.peer.close()


def test_an_early_answer_is_read_to_its_end(loop: Loop, pair: Pair) -> None:
    """Longer than one read, with the reset of the peer behind it and a write that fails."""
    pair.stream.reads_on = True
    answer = b"a" * (5 * SMALL_READ)
    reset_behind(pair, answer)
    pair.stream.write(b"more")
    pair.stream.write(b"and more")
    loop.turn(lambda: pair.owner.told)
    assert pair.owner.data == answer
    assert pair.owner.told == ["lost connection reset"]


def test_an_early_answer_is_read_when_the_owner_goes_on(loop: Loop, pair: Pair) -> None:
    """A slow client holds the server back, and the reset comes meanwhile."""
    pair.stream.reads_on = True
    pair.stream.pause()
    answer = b"a" * (5 * SMALL_READ)
    reset_behind(pair, answer)
    pair.stream.write(b"x" * (8 * HIGH_WATER))
    loop.quiet()
    assert pair.owner.told in ([], ["blocked", "drained"])
    pair.stream.resume()
    loop.turn(lambda: "lost connection reset" in pair.owner.told)
    assert pair.owner.data == answer


def test_who_only_answers_hears_of_a_failed_write_at_once(loop: Loop, pair: Pair) -> None:
    pair.stream.pause()
    reset_behind(pair, b"abc")
    pair.stream.write(b"x" * (8 * HIGH_WATER))
    loop.turn(lambda: any(one.startswith("lost") for one in pair.owner.told))
    assert pair.owner.data == b""


# --- who leaves while nobody reads --------------------------------------------------------------------------


def test_a_hang_up_is_seen_without_reading(loop: Loop, pair: Pair) -> None:
    pair.stream.pause()
    pair.peer.sendall(b"a" * (3 * SMALL_READ))
    loop.quiet()
    assert not pair.stream.has_hung_up()
    pair.peer.shutdown(socket.SHUT_WR)
    loop.turn(pair.stream.has_hung_up)
    assert (pair.owner.data, pair.owner.told) == (b"", [])
    pair.stream.read_to_end()
    assert (len(pair.owner.data), pair.owner.told) == (3 * SMALL_READ, ["ended"])
    pair.stream.read_to_end()
    assert pair.owner.told == ["ended"]


def test_a_reset_is_seen_without_reading(loop: Loop, pair: Pair) -> None:
    pair.stream.pause()
    pair.stream.write(b"unread")
    loop.quiet()
    pair.peer.close()
    loop.turn(pair.stream.has_hung_up)
    pair.stream.read_to_end()
    assert pair.owner.told == ["lost connection reset"]
    assert not pair.stream.has_hung_up()


# --- octets that the kernel moves -----------------------------------------------------------------


class Relay:
    """What comes at `source` goes out at `target`; both are streams with a peer."""

    def __init__(self, loop: Loop) -> None:
        self.source, self.target = Pair(loop), Pair(loop)
        self.source.owner.onward = self.target.stream
        self.source.owner.appetite = 1 << 30
        held = self.source.owner

        def received(data: bytes) -> None:
            held.data += data
            self.target.stream.write(data)

        held.received = received  # type: ignore[method-assign]
        self.target.owner.blocked = self.source.stream.pause  # type: ignore[method-assign]
        self.target.owner.drained = self.source.stream.resume  # type: ignore[method-assign]

    def send(self, loop: Loop, data: bytes, *, slowly: bool = False) -> bytes:
        """Write it at one end and read it at the other."""
        writer, reader = self.source.peer, self.target.peer
        writer.setblocking(False)
        reader.setblocking(False)
        left, got = memoryview(data), bytearray()

        def step() -> bool:
            nonlocal left
            if left:
                with contextlib.suppress(BlockingIOError):
                    left = left[writer.send(left) :]
            with contextlib.suppress(BlockingIOError):
                got.extend(reader.recv(50_000 if slowly else 1 << 20))
            return len(got) == len(data)

        loop.turn(step, 30)
        return bytes(got)


@pytest.fixture
def relay(loop: Loop) -> Iterator[Relay]:
    made = Relay(loop)
    yield made
    for pair in (made.source, made.target):
        pair.stream.abort()
        pair.peer.close()


def random_octets(size: int) -> bytes:
    return random.Random(7).randbytes(size)


@pytest.mark.parametrize("slowly", [False, True])
def test_large_reads_go_past_us_in_order(loop: Loop, relay: Relay, *, slowly: bool) -> None:
    data = random_octets(24 << 20)
    assert relay.send(loop, data, slowly=slowly) == data
    moved = relay.source.owner.moved
    assert moved >= PIPE_OCTETS
    assert len(relay.source.owner.data) + moved == len(data)
    assert relay.target.stream.progress == len(data)
    assert relay.target.stream.spliced == moved


def test_small_messages_are_read(loop: Loop, relay: Relay) -> None:
    for number in range(20):
        assert relay.send(loop, b"%d" % number * 1000) == b"%d" % number * 1000
    assert relay.source.owner.moved == 0


def test_nothing_passes_where_somebody_must_see_it(loop: Loop, relay: Relay) -> None:
    relay.source.owner.onward = None
    data = random_octets(8 << 20)
    assert relay.send(loop, data) == data
    assert relay.source.owner.data == data


def test_what_may_pass_is_bounded(loop: Loop, relay: Relay) -> None:
    """A body ends where it ends; a little of one is not worth it."""
    relay.source.owner.appetite = LARGE_READ - 1
    data = random_octets(8 << 20)
    assert relay.send(loop, data) == data
    assert relay.source.owner.moved == 0


def test_without_pipes_all_is_copied(loop: Loop, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("director.l7.io.stream.pipes", Pipes(0))
    data = random_octets(8 << 20)
    assert relay.send(loop, data) == data
    assert relay.source.owner.moved == 0


def fill(loop: Loop, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> Pipes:
    """Send until some of it waits in a pipe for a reader who does not read."""
    lent = Pipes()
    monkeypatch.setattr("director.l7.io.stream.pipes", lent)
    relay.source.peer.setblocking(False)
    data = random_octets(1 << 20)

    def step() -> bool:
        with contextlib.suppress(BlockingIOError):
            relay.source.peer.send(data)
        return lent.made > len(lent._free)

    loop.turn(step, 30)
    return lent


@pytest.mark.parametrize("ours", [False, True])
def test_an_end_that_cuts_a_full_pipe_gives_nobody_its_octets(
    loop: Loop, relay: Relay, monkeypatch: pytest.MonkeyPatch, *, ours: bool
) -> None:
    lent = fill(loop, relay, monkeypatch)
    if ours:
        relay.target.stream.abort()
    else:
        relay.target.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        relay.target.peer.close()
        loop.turn(lambda: relay.target.owner.told)
    assert relay.target.owner.told == ["lost" if ours else "lost connection reset"]
    assert lent.made == len(lent._free)


def test_a_reader_who_goes_on_gets_what_waited_in_the_pipe(
    loop: Loop, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the end behind it, when we have closed meanwhile."""
    lent = fill(loop, relay, monkeypatch)
    size = relay.target.stream.progress + relay.target.stream._queued
    relay.target.stream.close()
    assert len(drain(loop, relay.target, size)) == size
    loop.turn(lambda: relay.target.owner.told == ["lost"])
    assert lent.made == len(lent._free)


def test_a_reset_of_the_sender_is_told(loop: Loop, relay: Relay) -> None:
    data = random_octets(8 << 20)
    relay.send(loop, data)
    assert relay.source.owner.moved
    relay.source.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    relay.source.peer.close()
    loop.turn(lambda: relay.source.owner.told[-1] == "lost connection reset")


def test_an_end_of_the_sender_is_told(loop: Loop, relay: Relay) -> None:
    data = random_octets(8 << 20)
    relay.send(loop, data)
    relay.source.peer.shutdown(socket.SHUT_WR)
    loop.turn(lambda: relay.source.owner.told[-1] == "ended")
