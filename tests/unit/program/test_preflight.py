"""Whether servers answer, asked of real sockets of this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from director.config.text.messages import render
from director.program import preflight
from director.program.configuration import read
from director.program.preflight import Place, tried
from tests.support.running import free_port

LOOPBACK = "127.0.0.1"


def place(port: int, host: str = LOOPBACK) -> Place:
    return socket.AF_INET, (host, port)


@pytest.fixture
def listening() -> Iterator[int]:
    """A port that takes connections."""
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def full() -> Iterator[int]:
    """A port whose backlog is full: what is asked of it stays unanswered."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind((LOOPBACK, 0))
        server.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield server.getsockname()[1]


# --- connecting -------------------------------------------------------------------------------------


def test_who_listens_answers_and_who_does_not_is_told_why(tmp_path: Path, listening: int, full: int) -> None:
    closed = free_port()
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tmp_path / "here"))
        unix.listen()
        here, gone = ((socket.AF_UNIX, str(tmp_path / name)) for name in ("here", "gone"))
        asked = [place(listening), place(closed), here, gone, (socket.AF_UNIX, "x" * 200)]
        assert tried(asked) == {
            place(listening): "",
            place(closed): "connection refused",
            here: "",
            gone: "no such socket",
            (socket.AF_UNIX, "x" * 200): "AF_UNIX path too long",
        }
    assert tried([place(full)], patience=0.0) == {place(full): "no answer within 0 s"}


def test_not_all_at_once_but_all(listening: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "CONNECTS_AT_A_TIME", 3)
    places = [place(listening, f"127.0.0.{number}") for number in range(1, 20)]
    answers = tried(places)
    assert answers.keys() == set(places)
    assert answers[places[0]] == ""


def test_when_time_is_up_nobody_is_asked_any_more(listening: int) -> None:
    assert tried([place(listening)], in_all=0.0) == {}


# --- what a check says ------------------------------------------------------------------------------


def said(tmp_path: Path, text: str) -> str:
    path = tmp_path / "director.ini"
    path.write_text("[director]\nstate_dir = var\n" + text)
    loaded = read(str(path))
    assert loaded.loaded is not None
    return render(preflight.problems(loaded.loaded, loaded.require()))


def pool(*servers: object, name: str = "web") -> str:
    return "\n".join([f"[pool:{name}]", *(f"server.s{at} = {one}" for at, one in enumerate(servers)), ""])


def l4(virtual: str, name: str = "web") -> str:
    return f"[l4:{name}]\nvirtual = {virtual}\npool = {name}\n"


def test_a_server_that_takes_no_connection_is_a_warning_at_its_place(tmp_path: Path, listening: int) -> None:
    closed = free_port()
    text = pool(f"127.0.0.1:{listening}", f"localhost:{closed}", "unix:/nonexistent/s")
    found = said(tmp_path, text)
    assert found.count("warning") == 2
    where = f"director.ini:5:13: warning: [pool:web] server.s1 = localhost:{closed}: "
    assert f"{where}the server takes no connection now: connection refused" in found
    assert "the server takes no connection now: no such socket" in found


def test_a_name_with_one_address_that_answers_is_fine(
    tmp_path: Path, listening: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [(socket.AF_INET6, "::1"), (socket.AF_INET, LOOPBACK)]
    monkeypatch.setattr(preflight, "ask_system", lambda _host: both)
    assert said(tmp_path, pool(f"two.example:{listening}")) == ""


def test_a_name_without_an_address_is_said_once(tmp_path: Path) -> None:
    # RFC 6761: no name ends in `invalid`.
    found = said(tmp_path, pool("no-such.invalid:80"))
    assert found.count("warning") == 1
    assert "the name no-such.invalid cannot be resolved now: " in found


@pytest.mark.parametrize(
    "more",
    [
        "[demo:red]\nlisten = 127.0.0.1:{port}\n",
        "[l7:next]\nlisten = :{port}\npool = web\n",
    ],
)
def test_what_the_director_itself_listens_on_is_not_asked(tmp_path: Path, more: str) -> None:
    port = free_port()
    for host in ("127.0.0.1", "localhost"):
        assert said(tmp_path, pool(f"{host}:{port}") + more.format(port=port)) == ""


def test_a_virtual_address_is_not_asked(tmp_path: Path) -> None:
    port = free_port()
    assert said(tmp_path, pool(f"127.0.0.1:{port}") + l4(f"tcp 127.0.0.1:{port}")) == ""


@pytest.mark.parametrize("virtual", ["udp 192.0.2.1:53", "sctp 192.0.2.1:53", "fwmark 7"])
def test_servers_of_other_protocols_are_not_asked(tmp_path: Path, virtual: str) -> None:
    port = free_port()
    assert said(tmp_path, pool(f"127.0.0.1:{port}") + l4(virtual)) == ""
    assert "refused" in said(tmp_path, pool(f"127.0.0.1:{port}") + l4("tcp 192.0.2.1:53"))


def test_that_time_was_up_is_one_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "tried", lambda _places: {})
    found = said(tmp_path, pool("127.0.0.1:9001", "127.0.0.1:9002"))
    assert found.count("warning") == 1
    assert "2 server(s), this one first, were not asked: 5 s were over" in found
