"""`director-tcpvsadm` against the real program: rows K4, K11, K12, K17, K36, K38, K44, K46, K48, K50."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from director.cli.client import ApiClient
from director.cli.lvs.tcpvs.main import main
from tests.integration.conftest import StartOrigin
from tests.integration.texts import BASE
from tests.support import needs
from tests.support.client import fetch
from tests.support.origin import Origin, Pause, Send, Step
from tests.support.running import Director, accepts, free_port, wait_until
from tests.support.strict import Message

pytestmark = [pytest.mark.integration, needs.director]

Tcpvsadm = Callable[..., tuple[int, str, str]]
"""Exit status, standard output, standard error."""


class Bare(Director):
    """A director without services."""

    def start(self) -> None:
        self.places = [("127.0.0.1", self.admin)]
        super(Director, self).start()
        assert wait_until((self.state / "control.sock").is_socket, 30), self.log


@pytest.fixture(scope="module")
def director(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Director]:
    with Bare(BASE, tmp_path_factory.mktemp("tcpvsadm")) as running:
        yield running


@pytest.fixture
def tcpvsadm(director: Director, capsys: pytest.CaptureFixture[str]) -> Iterator[Tcpvsadm]:
    client = ApiClient(director.state / "control.sock")

    def call(*words: str) -> tuple[int, str, str]:
        status = main(["tcpvsadm", *words], client)
        said = capsys.readouterr()
        return status, said.out, said.err

    yield call
    well(call, "--stop", "-F")


def well(tcpvsadm: Tcpvsadm, *lines: str) -> None:
    for line in lines:
        assert tcpvsadm(*line.split()) == (0, "", ""), line


def get(port: int, target: str, *fields: str) -> tuple[str, Message]:
    """Which server answered, and the answer."""
    lines = "".join(f"{field}\r\n" for field in fields)
    request = f"GET {target} HTTP/1.1\r\nHost: a.example\r\n{lines}Connection: close\r\n\r\n"
    answer = fetch(("127.0.0.1", port), request.encode())
    return (re.search(rb"[a-z]+", answer.body) or [b""])[0].decode(), answer


def test_one_service_is_made_started_stopped_and_outlives_a_restart(
    director: Director, tcpvsadm: Tcpvsadm, start_origin: StartOrigin
) -> None:
    a, b = (start_origin(name) for name in ("a", "b"))
    port, other = free_port(), free_port()
    well(tcpvsadm, f"-A -i web -l 127.0.0.1:{port}", f"-A -i zero -l 127.0.0.1:{other} -s wlc")
    well(tcpvsadm, *(f"-a -i web -r {one.address}" for one in (a, b)), f"-a -i zero -r {b.address}")
    well(tcpvsadm, f"--add-rule -i web -p ^/a -r {a.address}", f"--add-rule -i web -p .* -r {b.address}")
    assert not accepts(("127.0.0.1", port))
    well(tcpvsadm, "--start -i web")
    assert wait_until(lambda: accepts(("127.0.0.1", port)))
    assert not accepts(("127.0.0.1", other)), "others are untouched"
    assert [get(port, target)[0] for target in ("/a", "/b", "/images/a")] == ["a", "b", "b"]
    assert "stop it first" in tcpvsadm("-D", "-i", "web")[2]
    listed = tcpvsadm("-Ln")[1]
    assert director.stop() == 0
    director.start()
    assert tcpvsadm("-Ln")[1] == listed
    assert wait_until(lambda: accepts(("127.0.0.1", port)))
    assert get(port, "/a")[0] == "a"
    well(tcpvsadm, "--start")
    assert wait_until(lambda: accepts(("127.0.0.1", other)))
    assert get(other, "/")[0] == "b"
    well(tcpvsadm, "--stop -i web")
    assert wait_until(lambda: not accepts(("127.0.0.1", port)))
    assert accepts(("127.0.0.1", other))
    assert tcpvsadm("-A", "-i", "x", "-s", "nonsense") == (255, "", "Scheduler not found\n")
    well(tcpvsadm, f"-A -i taken -l 127.0.0.1:{other}")
    status, _, said = tcpvsadm("--start", "-i", "taken")
    assert (status, str(other) in said) == (255, True)


def test_what_is_under_way_when_a_service_is_stopped_ends_well(tcpvsadm: Tcpvsadm) -> None:
    """K12: the transfer in progress completes."""
    size = 300_000

    def slow(message: Message) -> list[Step]:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size
        return [Send(head + b"x" * 1000), Pause(1.0), Send(b"x" * (size - 1000))]

    with Origin(slow) as origin, contextlib.ExitStack() as stack:
        port = free_port()
        well(tcpvsadm, f"-A -i web -l 127.0.0.1:{port}", f"-a -i web -r 127.0.0.1:{origin.port}")
        well(tcpvsadm, f"--add-rule -i web -p .* -r 127.0.0.1:{origin.port}", "--start -i web")
        client = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
        client.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
        found = client.recv(100)
        well(tcpvsadm, "--stop -i web")
        assert not accepts(("127.0.0.1", port))
        while len(found.partition(b"\r\n\r\n")[2]) < size:
            more = client.recv(65536)
            assert more, "cut in the middle"
            found += more


def test_no_more_clients_at_a_time_than_maxclients(tcpvsadm: Tcpvsadm, tmp_path: Path) -> None:
    """K17, the bound of K14: client maxclients + 1 is served only after another ends."""

    def tell(message: Message) -> list[Step]:
        return [Send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")]

    request = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
    with Origin(tell) as origin, contextlib.ExitStack() as stack:
        port, file = free_port(), tmp_path / "tcpvs.conf"
        file.write_text(
            f"virtual few {{ listen = 127.0.0.1:{port} scheduler = phttp startservers = 1 maxclients = 2\n"
            f"server = 127.0.0.1:{origin.port} 1\n"
            f"rule = pattern .* use server 127.0.0.1:{origin.port} }}\n"
        )
        well(tcpvsadm, f"-f {file}", "--start -i few")
        assert wait_until(lambda: accepts(("127.0.0.1", port)))

        def client() -> socket.socket:
            made = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            made.sendall(request)
            return made

        first, second = client(), client()
        assert first.recv(100).endswith(b"ok")
        assert second.recv(100).endswith(b"ok")
        third = client()
        third.settimeout(0.3)
        with pytest.raises(TimeoutError):
            third.recv(100)
        first.close()
        third.settimeout(10)
        assert third.recv(100).endswith(b"ok")


def test_hashes_and_sessions(tcpvsadm: Tcpvsadm, tmp_path: Path) -> None:
    def named(name: str) -> Callable[[Message], list[Step]]:
        def answer(message: Message) -> list[Step]:
            target = message.start.split()[1]
            cookie = b"Set-Cookie: own=1; Max-Age=90\r\n" if b"login" in target else b""
            body = name.encode()
            return [Send(b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (cookie, len(body), body))]

        return answer

    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(Origin(named(name))).port for name in ("a", "b", "c")]
        hashed, sessions = free_port(), free_port()
        servers = "".join(f"    server = 127.0.0.1:{port} 1\n" for port in ports)
        users = "".join(
            f'    rule = pattern "^/users/([^/]+)/" match 1 use server 127.0.0.1:{port}\n' for port in ports
        )
        rest = "".join(f'    rule = pattern ".*" use server 127.0.0.1:{port}\n' for port in ports)
        file = tmp_path / "tcpvs.conf"
        file.write_text(
            f"virtual hashed {{ listen = 127.0.0.1:{hashed} scheduler = hhttp\n{servers}{users}}}\n"
            f"virtual sessions {{ listen = 127.0.0.1:{sessions} scheduler = chttp\n{servers}{rest}}}\n"
        )
        well(tcpvsadm, f"-f {file}", "--start")
        # A.14: the sum of the letters modulo the servers; a user's requests stay together.
        for user in ("tom", "ann", "x"):
            wanted = "abc"[sum(user.encode()) % 3]
            assert {get(hashed, f"/users/{user}/{page}")[0] for page in "123"} == {wanted}
        first, answer = get(sessions, "/")
        assert answer.values(b"set-cookie") == [], "K48: an answer without cookies gets none"
        first, answer = get(sessions, "/login")
        own, sid = (one.decode() for one in answer.values(b"set-cookie"))
        assert own == "own=1; Max-Age=90"
        assert re.fullmatch(r"KTCPVS_SID=[0-9a-f]+; Path=/; Max-Age=90", sid), "K44"
        cookie = f"Cookie: {sid.partition(';')[0]}"
        assert {get(sessions, "/", cookie)[0] for _ in range(6)} == {first}, "K46"
