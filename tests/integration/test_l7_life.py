"""Reload, stop, and the limits of the machine: nothing is lost, and what goes wrong is said."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from director.l7.io.listener import PAUSE_SECONDS
from tests.integration.conftest import StartDirector, StartOrigin
from tests.integration.texts import web
from tests.support import needs
from tests.support.client import RawClient, fetch
from tests.support.ledger import Ledger, duplicates
from tests.support.origin import Origin, Pause, Send, plain
from tests.support.running import Director, accepts, wait_until

pytestmark = [pytest.mark.integration, needs.director]

RELOADED = "reloaded: generation "
TRIES_TO_ACCEPT = 5
"""How often a listener without room looks again: each of them might be a line in the log."""
GET = b"GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n"
RULE_1 = "[rule:1 {0}]\nservice = www\nwhen = path = /{0}\npool = web\n"
BROKEN = {
    "syntax": "[pool:web\n",
    "no section": "server.a = 127.0.0.1:1\n",
    "empty": "",
    "binary": "\x00\x01\x02",
    "unknown key": "{good}\n[pool:more]\nserverr.a = 127.0.0.1:1\n",
    "unknown section": "{good}\n[poool:more]\n",
    "unknown pool": "{good}\n[rule:100 a]\nservice = www\nwhen = path = /\npool = nowhere\n",
    "duplicate section": "{good}\n[pool:web]\nserver.a = 127.0.0.1:1\n",
    "duration without unit": "{good}\n[pool:more]\nserver.a = 127.0.0.1:1\ntimeout.connect = 2\n",
    "bad weight": "{good}\n[pool:more]\nserver.a = 127.0.0.1:1 weight=-1\n",
    "bad expression": "{good}\n[rule:100 a]\nservice = www\nwhen = path ^^ /\npool = web\n",
    "bad regular expression": "{good}\n[rule:100 a]\nservice = www\nwhen = path ~ (\npool = web\n",
    "equal rule numbers": "{good}\n" + RULE_1.format("a") + RULE_1.format("b"),
    "unknown scheduler": "{good}\n[pool:more]\nserver.a = 127.0.0.1:1\nscheduler = fastest\n",
    "failing test": "{good}\n[test:no]\nrequest = GET http://a.example/\nexpect = status 404\n",
    "missing page": "{good}\n[page:gone]\nfile = nowhere.html\n",
    "missing include": "{good}\n[director]\ninclude = nowhere.ini\n",
}


def test_a_reload_under_load_loses_nothing(start: StartDirector, start_origin: StartOrigin) -> None:
    a, b, c = (start_origin(name) for name in "abc")
    texts = [
        web({"a": a.address, "b": b.address}),
        web({"b": b.address, "c": c.address}),
        web({"c": c.address, "a": a.address}),
    ]
    director = start(texts[0])
    with Ledger(director.place, 150).running() as ledger:
        for number in range(1, 11):
            ledger.more(40)
            director.write(texts[number % 3])
            director.reload()
            assert wait_until(lambda: director.log.count(RELOADED) == number)  # noqa: B023 - asked at once
        ledger.more(60)
    assert ledger.lost() == [], ledger.sums
    assert not ledger.crossed
    assert duplicates([*a.seen, *b.seen, *c.seen]) == []
    assert c.seen, "no reload took effect"


def test_an_address_that_moves_between_services_refuses_nobody(
    start: StartDirector, start_origin: StartOrigin
) -> None:
    a = start_origin("a")
    text = web({"a": a.address})
    texts = [text, text.replace("[l7:www]", "[l7:other]")]
    director = start(text)
    with Ledger(director.place, 150).running() as ledger:
        for number in range(1, 11):
            ledger.more(40)
            director.write(texts[number % 2])
            director.reload()
            assert wait_until(lambda: director.log.count(RELOADED) == number)  # noqa: B023 - asked at once
        ledger.more(60)
    assert len(ledger.entries) > 400
    assert [entry for entry in ledger.entries if entry.outcome != "OK"] == [], ledger.sums


def test_an_open_connection_survives_a_reload(start: StartDirector, origin: Origin) -> None:
    origin.answer = lambda message: [Pause(0.6), Send(plain(message))]
    with Origin(lambda _: [Send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew")]) as other:
        director = start(web({"a": origin.address}))
        with RawClient(director.place) as client:
            client.ask(GET)
            assert wait_until(lambda: bool(origin.log))
            director.write(web({"b": other.address}))
            director.reload()
            assert client.wait(1)
            assert bytes(client.answers[0].body) == b"origin saw GET /x"
            assert wait_until(lambda: bytes(fetch(director.place, GET).body) == b"new")


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_configuration_never_replaces_a_running_one(
    start: StartDirector, origin: Origin, kind: str
) -> None:
    good = web({"a": origin.address})
    director = start(good)
    before = len(director.log)
    director.write(BROKEN[kind].replace("{good}", good))
    director.reload()
    assert wait_until(lambda: "error" in director.log[before:].lower()), "the refusal was not said"
    assert "director.ini:" in director.log[before:] or kind in {"empty", "binary"}
    assert "Traceback" not in director.log[before:]
    assert fetch(director.place, GET).status == 200


@pytest.mark.parametrize("kind", sorted(set(BROKEN) - {"empty"}))
def test_a_broken_configuration_never_starts(tmp_path: Path, origin: Origin, kind: str) -> None:
    director = Director(BROKEN[kind].replace("{good}", web({"a": origin.address})), tmp_path)
    with pytest.raises(AssertionError, match="did not start"):
        director.start()
    assert director.process is not None
    assert director.process.returncode > 0, "it ends by itself; one that goes on is ended by a signal"
    assert "Traceback" not in director.log


def test_sigterm_lets_requests_finish_and_takes_no_new_ones(start: StartDirector, origin: Origin) -> None:
    origin.answer = lambda message: [Pause(1), Send(plain(message))]
    director = start(web({"a": origin.address}))
    clients = [RawClient(director.place) for _ in range(20)]
    try:
        for client in clients:
            client.ask(GET)
        assert wait_until(lambda: len(origin.log) == 20)
        director.signal(signal.SIGTERM)
        assert all(client.wait(1) for client in clients)
        assert [client.statuses for client in clients] == [[200]] * 20
    finally:
        for client in clients:
            client.socket.close()
    assert director.process is not None
    assert director.process.wait(5) in {0, -signal.SIGTERM}


@pytest.mark.parametrize("how", ["sigterm", "reload"])
def test_who_waits_in_the_backlog_is_served_before_the_listener_goes(
    start: StartDirector, origin: Origin, how: str
) -> None:
    """Their connections are open as far as they know: a reset would lose what they asked."""
    text = web({"a": origin.address})
    director = start(text)
    director.signal(signal.SIGSTOP)
    clients = [RawClient(director.place) for _ in range(200)]
    try:
        for client in clients:
            client.ask(GET)
        if how == "sigterm":
            director.signal(signal.SIGTERM)
        else:
            director.write(text.replace("127.0.0.1:{listen}", "127.0.0.2:{listen}"))
            director.reload()
        director.signal(signal.SIGCONT)
        assert all(client.wait(1) for client in clients)
        assert {tuple(client.statuses) for client in clients} == {(200,)}
    finally:
        for client in clients:
            client.socket.close()
    assert wait_until(lambda: not accepts(director.place))


def test_sigterm_ends_within_the_grace(start: StartDirector, origin: Origin) -> None:
    origin.answer = lambda message: [Pause(60), Send(plain(message))]
    director = start(web({"a": origin.address}).replace("shutdown_grace = 5s", "shutdown_grace = 1s"))
    with RawClient(director.place) as client:
        client.ask(GET)
        assert wait_until(lambda: bool(origin.log))
        director.signal(signal.SIGTERM)
        assert director.process is not None
        director.process.wait(4)


def test_a_second_sigint_does_not_wait_and_a_second_sigterm_does(
    start: StartDirector, origin: Origin
) -> None:
    """A supervisor may signal a whole group twice; who types Ctrl-C twice will not wait."""
    origin.answer = lambda message: [Pause(60), Send(plain(message))]
    director = start(web({"a": origin.address}).replace("shutdown_grace = 5s", "shutdown_grace = 50s"))
    with RawClient(director.place) as client:
        client.ask(GET)
        assert wait_until(lambda: bool(origin.log))
        director.signal(signal.SIGTERM)
        assert wait_until(lambda: "stopping: 1 client connection(s) may end" in director.log)
        director.signal(signal.SIGTERM)
        assert wait_until(lambda: "stopping already, 1 client connection(s) left" in director.log)
        director.signal(signal.SIGINT)
        assert director.process is not None
        assert director.process.wait(10) == 0
    assert "1 connection(s) are cut by a second SIGINT" in director.log


def test_many_signals_end_with_the_last_configuration(start: StartDirector, origin: Origin) -> None:
    """A signal that comes while the file is read asks for one more look."""
    director = start(web({"a": origin.address}))
    load = Ledger(director.place, 50, methods=("GET",))
    with Origin(lambda message: [Send(plain(message, b"other"))]) as other, load.running() as ledger:
        for _ in range(19):
            director.reload()
            ledger.more(2)
        director.write(web({"a": other.address}))
        director.reload()
        assert wait_until(lambda: bytes(fetch(director.place, GET).body) == b"other saw GET /x")
    assert ledger.lost() == [], ledger.sums


def test_thousands_of_connects_at_once(start: StartDirector, origin: Origin) -> None:
    """All 3000 SYNs are sent before anything is read: the backlog is 4096, so none is sent twice."""
    director = start(web({"a": origin.address}, "timeout.connect = 60s\ntimeout.response = 60s"))
    sockets: list[socket.socket] = []
    try:
        for _ in range(3000):
            each = socket.socket()
            each.setblocking(False)
            each.connect_ex(director.place)
            sockets.append(each)
        for each in sockets:
            connected = select.poll()
            connected.register(each, select.POLLOUT)
            assert connected.poll(60_000), "a connect takes too long"
        assert sum(map(sent_again, sockets)) == 0
        for each in sockets:
            each.settimeout(60)
            each.sendall(GET)
        answers = Counter(each.recv(12) for each in sockets)
        assert answers == {b"HTTP/1.1 200": 3000}
    finally:
        for each in sockets:
            each.close()


def sent_again(sock: socket.socket) -> int:
    """Segments that the kernel had to send again: `tcpi_total_retrans` of TCP_INFO (linux/tcp.h)."""
    place = 8 + 23 * 4
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, place + 4)
    return int.from_bytes(info[place:], sys.byteorder)


def test_many_idle_connections_do_not_disturb(start: StartDirector, origin: Origin) -> None:
    director = start(web({"a": origin.address}))
    idle = [RawClient(director.place) for _ in range(2000)]
    try:
        assert fetch(director.place, GET).status == 200
        with Ledger(director.place, 100, methods=("GET",)).running() as ledger:
            ledger.more(100)
        assert ledger.lost() == [], ledger.sums
    finally:
        for client in idle:
            client.socket.close()
    assert wait_until(lambda: director.descriptors_open < 100)


def test_running_out_of_descriptors_is_survived(start: StartDirector, origin: Origin) -> None:
    director = start(web({"a": origin.address}), descriptors=128)
    held = [RawClient(director.place, patience=1) for _ in range(200)]
    try:
        assert wait_until(lambda: "clients wait in the backlog" in director.log)
        time.sleep(TRIES_TO_ACCEPT * PAUSE_SECONDS)
    finally:
        for client in held:
            client.socket.close()
    assert wait_until(lambda: director.descriptors_open < 60)
    assert [fetch(director.place, GET).status for _ in range(20)] == [200] * 20
    assert director.log.count("Traceback") == 0
    assert len(director.log) < 200_000, "one event, not one line per failed accept"


def test_a_flood_of_resets_is_quiet(start: StartDirector, origin: Origin) -> None:
    director = start(web({"a": origin.address}))
    before = director.descriptors_open
    for number in range(600):
        with RawClient(director.place) as client:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            client.socket.sendall((b"", GET[:20], GET)[number % 3])
    assert fetch(director.place, GET).status == 200
    assert "Traceback" not in director.log
    origin.drop_connections()
    assert wait_until(lambda: director.descriptors_open <= before + 10)


def unread(tmp_path: Path, ini: str) -> Director:
    """A director whose standard output is a pipe that nobody reads."""
    director = Director(ini, tmp_path)
    director.output = subprocess.PIPE
    return director


def test_a_log_pipe_that_nobody_reads_stops_no_traffic(tmp_path: Path, origin: Origin) -> None:
    with unread(tmp_path, web({"a": origin.address})) as director:
        before = director.resident
        with Ledger(director.place, 300, methods=("GET",)).running() as ledger:
            ledger.more(1500)
        with RawClient(director.place) as client:
            for number in range(1, 2001):
                client.ask(GET)
                assert client.wait(number), f"stopped at request {number}"
        assert ledger.lost() == [], ledger.sums
        assert director.resident < before + (100 << 20)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@needs.root
def test_a_full_disk_stops_no_traffic(tmp_path: Path, small_disk: Path, origin: Origin) -> None:
    director = Director(web({"a": origin.address}), tmp_path)
    log = os.open(small_disk / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    (small_disk / "filler").write_bytes(b"x" * 900_000)
    director.output = log
    try:
        with director, RawClient(director.place) as client:
            for number in range(1, 3001):
                client.ask(GET)
                assert client.wait(number), f"stopped at request {number}"
            assert client.statuses == [200] * 3000
    finally:
        os.close(log)


def test_a_port_in_use_is_one_clear_line(tmp_path: Path, origin: Origin) -> None:
    director = Director(web({"a": origin.address}), tmp_path)
    director.places = [("127.0.0.1", 1)]
    with (
        socket.create_server(director.place),
        pytest.raises(AssertionError, match="did not start"),
    ):
        director.start()
    assert str(director.port) in director.log
    assert "Traceback" not in director.log
