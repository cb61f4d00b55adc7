from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from director.l7.io.pipes import PIPE_OCTETS, Pipe, Pipes


@pytest.fixture
def pairs() -> Iterator[tuple[socket.socket, ...]]:
    """Two connections: what is written to the first is read at the second, the third's at the fourth."""
    sockets = (*socket.socketpair(), *socket.socketpair())
    for one in sockets:
        one.setblocking(False)
    yield sockets
    for one in sockets:
        one.close()


def opened() -> set[str]:
    return {one.name for one in Path("/proc/self/fd").iterdir()}


def test_octets_pass_from_socket_to_socket(pairs: tuple[socket.socket, ...]) -> None:
    source, near, far, sink = pairs
    pipes = Pipes()
    pipe = pipes.borrow()
    assert pipe is not None
    source.sendall(b"from end to end")
    assert pipe.fill(near.fileno(), 8) == len(pipe) == 8
    assert pipe.empty_into(far.fileno()) == 8
    assert (pipe.size, sink.recv(99)) == (0, b"from end")
    assert pipe.fill(near.fileno(), 99) == 7
    assert pipe.empty_into(far.fileno()) == 7
    assert sink.recv(99) == b" to end"


def test_the_end_of_a_socket_is_nothing_to_take(pairs: tuple[socket.socket, ...]) -> None:
    source, near, _, _ = pairs
    pipe = Pipes().borrow()
    assert pipe is not None
    with pytest.raises(BlockingIOError):
        pipe.fill(near.fileno(), PIPE_OCTETS)
    source.close()
    assert pipe.fill(near.fileno(), PIPE_OCTETS) == 0
    pipe.give_back()


def test_what_comes_back_empty_is_lent_again(pairs: tuple[socket.socket, ...]) -> None:
    pipes = Pipes(2)
    first, second = pipes.borrow(), pipes.borrow()
    assert isinstance(first, Pipe)
    assert isinstance(second, Pipe)
    assert (pipes.borrow(), pipes.made) == (None, 2)
    first.give_back()
    assert pipes.borrow() is first


def test_what_comes_back_with_octets_in_it_is_closed(pairs: tuple[socket.socket, ...]) -> None:
    """Nobody else's octets may be in the next one."""
    source, near, far, sink = pairs
    pipes = Pipes(1)
    before = opened()
    pipe = pipes.borrow()
    assert pipe is not None
    source.sendall(b"left over")
    pipe.fill(near.fileno(), PIPE_OCTETS)
    pipe.give_back()
    assert (pipes.made, opened()) == (0, before)
    another = pipes.borrow()
    assert another is not None
    source.sendall(b"new")
    another.fill(near.fileno(), PIPE_OCTETS)
    another.empty_into(far.fileno())
    assert sink.recv(99) == b"new"


def test_what_there_is_to_draw(pairs: tuple[socket.socket, ...]) -> None:
    """Where there is nothing, reading finds out why."""
    source, near, _, _ = pairs
    pipes = Pipes()
    assert pipes.draw(near.fileno(), PIPE_OCTETS) is None
    source.sendall(b"something")
    drawn = pipes.draw(near.fileno(), PIPE_OCTETS)
    assert drawn is not None
    assert drawn.size == 9
    source.close()
    assert pipes.draw(near.fileno(), PIPE_OCTETS) is None
    drawn.give_back()
    assert pipes.usable


def test_a_system_that_cannot_is_asked_once(
    pairs: tuple[socket.socket, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipes = Pipes()

    def refuse(*_: object) -> int:
        raise OSError(errno.EINVAL, "")

    with monkeypatch.context() as patched:
        patched.setattr("director.l7.io.pipes.os.splice", refuse)
        assert pipes.draw(pairs[1].fileno(), PIPE_OCTETS) is None
    pairs[0].sendall(b"x")
    assert not pipes.usable
    assert pipes.draw(pairs[1].fileno(), PIPE_OCTETS) is None
    pipes.close()


def test_a_connection_that_failed_says_so(pairs: tuple[socket.socket, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    far.close()
    pipes = Pipes()
    with near, pytest.raises(ConnectionResetError):
        pipes.draw(near.fileno(), PIPE_OCTETS)
    assert pipes.made == len(pipes._free)
    pipes.close()


@pytest.mark.parametrize(("code", "again"), [(errno.EPERM, False), (errno.EMFILE, True)])
def test_small_pipes_are_not_worth_it(monkeypatch: pytest.MonkeyPatch, code: int, *, again: bool) -> None:
    """An ordinary user who has 64 MB of pipes gets no larger ones; descriptors may be free later."""
    pipes = Pipes()

    def refuse(*_: object) -> int:
        raise OSError(code, "")

    before = opened()
    with monkeypatch.context() as patched:
        patched.setattr("director.l7.io.pipes.fcntl.fcntl", refuse)
        assert pipes.borrow() is None
    assert (pipes.made, opened()) == (0, before)
    assert (pipes.borrow() is not None) is again
