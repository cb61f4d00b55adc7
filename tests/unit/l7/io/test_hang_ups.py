"""A reset behind a half-close is heard of at once."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest

from director.l7.io.stream import Stream
from tests.support.loops import Loop, Owner, accepted, loop_of


@pytest.fixture
def loop() -> Iterator[Loop]:
    with loop_of() as made:
        yield made


class Half:
    """A connection whose peer has sent FIN, which its owner has heard."""

    def __init__(self, loop: Loop) -> None:
        near, self.peer = accepted()
        self.owner = Owner()
        self.stream = Stream(loop.reactor, near, self.owner)
        self.stream.resume()
        self.peer.shutdown(socket.SHUT_WR)
        loop.turn(lambda: self.owner.told == ["ended"])

    def close(self) -> None:
        self.stream.abort()
        self.peer.close()

    def reset(self) -> None:
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer.close()


def idle(loop: Loop) -> bool:
    """Nothing is ready: the loop would sleep."""
    loop.once(0.002)
    return not loop.reactor.ready


def test_a_reset_behind_a_fin_is_told(loop: Loop) -> None:
    half = Half(loop)
    loop.turn(lambda: idle(loop))
    half.reset()
    loop.turn(lambda: half.owner.told == ["ended", "lost connection reset"])
    loop.turn(lambda: idle(loop))


def test_a_server_that_may_be_read_on_is_told_too(loop: Loop) -> None:
    """Behind its FIN there is nothing to read on."""
    half = Half(loop)
    half.stream.reads_on = True
    half.reset()
    loop.turn(lambda: half.owner.told[-1] == "lost connection reset")


def test_writing_goes_on_meanwhile(loop: Loop) -> None:
    half = Half(loop)
    half.peer.setblocking(False)
    whole, got = 8 << 20, 0
    half.stream.write(bytes(whole))

    def read() -> bool:
        nonlocal got
        try:
            got += len(half.peer.recv(1 << 20))
        except BlockingIOError:
            return False
        return got == whole

    loop.turn(read)
    half.reset()
    loop.turn(lambda: half.owner.told[-1] == "lost connection reset")


def test_who_closes_first_is_forgotten_and_its_number_is_anothers(loop: Loop) -> None:
    half = Half(loop)
    half.close()
    others = [Half(loop) for _ in range(4)]
    others[0].reset()
    loop.turn(lambda: others[0].owner.told[-1] == "lost connection reset")
    assert {one.owner.told[-1] for one in (half, *others[1:])} == {"lost", "ended"}
    for one in others:
        one.close()
    loop.turn(lambda: idle(loop))


def test_an_end_on_both_sides_is_no_reset(loop: Loop) -> None:
    half = Half(loop)
    half.stream.end()
    loop.quiet()
    loop.turn(lambda: idle(loop))
    assert half.owner.told == ["ended"]
    half.close()
