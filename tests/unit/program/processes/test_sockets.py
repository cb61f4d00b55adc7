from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from director.l7.io.listener import BindError
from director.model.pools import Address
from director.program.processes.sockets import Sockets
from tests.support.running import accepts, free_port


def test_each_worker_has_its_own_and_a_replacement_gets_the_same() -> None:
    address = Address("127.0.0.1", free_port())
    sockets = Sockets(2)
    sockets.prepare([address])
    sockets.commit()
    [(name, first)] = sockets.of(0).items()
    second = sockets.of(1)[name]
    assert name == f"127.0.0.1 {address.port}"
    assert first is not second
    assert sockets.of(0)[name] is first
    sockets.stop()
    assert not accepts(("127.0.0.1", address.port))


def test_a_reload_opens_before_it_closes_and_keeps_what_stays() -> None:
    old, new = (Address("127.0.0.1", free_port()) for _ in range(2))
    sockets = Sockets(2)
    sockets.prepare([old])
    sockets.commit()
    before = dict(sockets.of(0))
    sockets.prepare([old, new])
    assert list(sockets.of(0, new=True)) == [f"127.0.0.1 {new.port}"]
    assert accepts(("127.0.0.1", new.port))
    sockets.abandon()
    assert not accepts(("127.0.0.1", new.port))
    sockets.prepare([new])
    assert accepts(("127.0.0.1", old.port))
    sockets.commit()
    assert not accepts(("127.0.0.1", old.port))
    assert sockets.of(0) != before
    sockets.stop()


def test_one_that_cannot_be_opened_leaves_none_open() -> None:
    good = Address("127.0.0.1", free_port())
    sockets = Sockets(2)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(BindError):
        sockets.prepare([good, Address("127.0.0.1", taken.getsockname()[1])])
    assert sockets.of(0, new=True) == {}
    assert not accepts(("127.0.0.1", good.port))


def test_a_narrower_address_comes_beside_the_wider_one_that_goes() -> None:
    port = free_port()
    sockets = Sockets(2)
    sockets.prepare([Address("", port)])
    sockets.commit()
    sockets.prepare([Address("127.0.0.1", port)])
    sockets.commit()
    assert accepts(("127.0.0.1", port))
    sockets.stop()


def test_a_unix_socket_is_one_for_all_and_its_path_goes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "www.sock"
    sockets = Sockets(3)
    sockets.prepare([Address(path=str(path))])
    sockets.commit()
    assert sockets.of(0) == sockets.of(2)
    assert path.is_socket()
    sockets.stop()
    assert not path.exists()


def test_what_systemd_opened_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        place = opened.getsockname()
        monkeypatch.setattr("director.program.processes.sockets.SYSTEMD_FIRST", opened.fileno())
        monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
        monkeypatch.setenv("LISTEN_FDS", "1")
        sockets = Sockets(2)
        sockets.prepare([Address(endpoint="systemd:domain=INET:index=0")])
        sockets.commit()
        assert [sock.getsockname() for sock in sockets.of(1).values()] == [place]
        with pytest.raises(BindError, match="systemd handed over 1 socket"):
            sockets.prepare([Address(endpoint="systemd:domain=INET:index=1")])
        sockets.stop()


def test_an_endpoint_that_cannot_be_shared_says_what_can() -> None:
    with pytest.raises(BindError, match="processes cannot share such an endpoint; write ADDRESS:PORT"):
        Sockets(2).prepare([Address(endpoint="ssl:443:privateKey=x")])


def test_what_another_program_left_is_taken_and_what_lacks_is_opened_beside_it() -> None:
    """From one process to three: the one socket is made ready to share its address (SO_REUSEPORT)."""
    with socket.create_server(("127.0.0.1", 0)) as left:
        address = Address(*left.getsockname())
        given = {0: left.dup()}
        sockets = Sockets(
            3, lambda place, number: given.pop(number, None) if place[1] == address.port else None
        )
        sockets.prepare([address])
        sockets.commit()
        found = [sock for _, _, sock in sockets.all_open()]
        assert [sock.getsockname() for sock in found] == [left.getsockname()] * 3
        assert len({sock.fileno() for sock in found}) == 3
        assert [(place, number) for place, number, _ in sockets.all_open()] == [
            (("127.0.0.1", address.port), number) for number in range(3)
        ]
        sockets.stop()


def test_more_than_are_wanted_are_left_to_who_has_them(tmp_path: Path) -> None:
    path = tmp_path / "www.sock"
    before = Sockets(2)
    before.prepare([Address(path=str(path))])
    before.commit()
    asked: list[int] = []

    def given(_place: object, number: int) -> socket.socket | None:
        asked.append(number)
        return next(iter(before.of(0).values())).dup() if number == 0 else None

    after = Sockets(1, given)
    after.prepare([Address(path=str(path))])
    after.commit()
    assert asked == [0]
    before.stop(handed_on=True)
    assert path.is_socket()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    after.stop()
    assert not path.exists()
