from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from director.cli.client import ApiClient, Refused, advice, understood


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


@pytest.fixture
def asked(path: Path) -> Iterator[list[bytes]]:
    """A peer that remembers one request and answers it."""
    seen: list[bytes] = []
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            seen.append(connection.recv(65536))
            connection.sendall(
                b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}'
            )

    thread = Thread(target=serve)
    thread.start()
    yield seen
    thread.join(5)
    listener.close()


def test_a_name_cannot_become_a_path(path: Path, asked: list[bytes]) -> None:
    assert ApiClient(path).get("pools", "a/../b?c#d", query="limit=1") == {"a": 1}
    head = asked[0].split(b"\r\n")
    assert head[0] == b"GET /api/v1/pools/a%2F..%2Fb%3Fc%23d?limit=1 HTTP/1.1"
    assert b"Host: localhost" in head


def test_no_director_there_says_how_to_start_one(path: Path) -> None:
    with pytest.raises(Refused, match=r"no director is running there(.|\n)*twistd -n director"):
        ApiClient(path).get("pools")


def test_a_director_that_has_ended(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(Refused, match="has ended"):
        ApiClient(path).get("pools")


@pytest.mark.parametrize(
    ("error", "words"),
    [(PermissionError(), "as root"), (TimeoutError(), "does not answer in time"), (OSError("odd"), "odd")],
)
def test_other_failures_have_their_advice(error: OSError, words: str) -> None:
    assert words in advice(error, Path("/x"))


def test_a_path_too_long() -> None:
    with pytest.raises(Refused, match="too long"):
        ApiClient(Path("/tmp/" + "x" * 200)).get("pools")


def test_errors_carry_what_the_director_said() -> None:
    with pytest.raises(Refused) as caught:
        understood(409, "application/json", b'{"error": "in use", "at": "pool web"}')
    assert (str(caught.value), caught.value.at, caught.value.status) == ("in use", "pool web", 409)
    with pytest.raises(Refused, match="answered 500"):
        understood(500, "text/plain", b"oops")
    with pytest.raises(Refused, match="cannot be read"):
        understood(200, "application/json", b"{")
