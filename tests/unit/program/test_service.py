"""One running director: start, reload, refuse, stop; with real sockets on a reactor turned by hand."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from director.admin.control import Applied
from director.errors import ChangeRefused, ConfigError, DirectorError
from director.l7.io.listener import BindError
from director.model.pools import State
from director.model.settings import Configuration
from director.program.candidate import Candidate
from director.program.configuration import read
from director.program.logs import event_log
from director.program.service import DirectorService
from director.registry.changes import Ordered, ServerChanged
from director.registry.registry import Generation
from tests.support.loops import Loop, loop_of
from tests.support.running import free_port
from tests.support.said import said

SIGNALS = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM, signal.SIGINT)
INI = """
[director]
workers = 0
state_dir = {state}
access_log = off
shutdown_grace = 1s
{settings}

[l7:www]
listen = {listen}
pool = web

[pool:web]
server.a = 127.0.0.1:{origin}
{more}
"""


class Running:
    """A director and its file."""

    def __init__(self, loop: Loop, folder: Path) -> None:
        self.loop = loop
        self.path = folder / "director.ini"
        self.port, self.second, self.origin = free_port(), free_port(), free_port()
        self.folder = folder
        self.write()
        self.service = DirectorService(str(self.path), read(str(self.path)), loop.reactor)
        self.service.privilegedStartService()
        self.service.startService()

    def write(self, listen: str = "", more: str = "", settings: str = "") -> None:
        """Put another configuration in the file."""
        state = self.folder / "var"
        listen = listen or f"127.0.0.1:{self.port}"
        self.path.write_text(
            INI.format(state=state, listen=listen, origin=self.origin, more=more, settings=settings)
        )

    def stop(self) -> None:
        done: list[Any] = []
        self.service.stopService().addBoth(done.append)
        self.loop.turn(lambda: done)

    def take(self) -> Generation:
        """What a reload does once the file is read: the generation, or what it fails with is raised."""
        return result(self.taking())

    def taking(self) -> list[Any]:
        """Gets what `take` ends with."""
        return outcome(self.service.take(self.read(), "test"))

    def read(self) -> Candidate:
        """The file, as a reload reads it."""
        return read(self.service.path, self.service.current.candidate.files)

    def accepts(self, port: int) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0


def outcome(work: Deferred[Any]) -> list[Any]:
    """Gets what `work` ends with."""
    done: list[Any] = []
    work.addBoth(done.append)
    return done


def result(done: list[Any]) -> Generation:
    """The generation that came of it, or what it failed with is raised."""
    [found] = done
    if isinstance(found, Failure):
        found.raiseException()
    assert isinstance(found, Applied)
    return found.generation


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    before = [signal.getsignal(number) for number in SIGNALS]
    with loop_of() as loop:
        made = Running(loop, tmp_path)
        yield made
        made.stop()
    for number, old in zip(SIGNALS, before, strict=True):
        signal.signal(number, old)


def test_it_serves_what_the_file_says(running: Running) -> None:
    assert running.accepts(running.port)
    assert running.service.registry.generation == 1
    assert (running.folder / "var").is_dir()
    assert running.service.control.readiness().ready


def test_a_broken_file_is_refused_and_the_running_one_goes_on(running: Running) -> None:
    running.write(more="wieght = 3")
    with pytest.raises(ConfigError):
        running.take()
    assert running.service.registry.generation == 1
    assert running.accepts(running.port)


@pytest.mark.parametrize("settings", ["name = other", "trace = 9", "log = json"])
def test_what_needs_a_restart_is_refused_in_words(running: Running, settings: str) -> None:
    running.write(settings=settings)
    name = settings.partition(" ")[0]
    with pytest.raises(ChangeRefused, match=rf"\[director\] {name} is read at start; restart"):
        running.take()
    assert running.service.registry.generation == 1


def test_listeners_are_added_kept_and_removed(running: Running) -> None:
    both = f"127.0.0.1:{running.port}, 127.0.0.1:{running.second}"
    with socket.create_connection(("127.0.0.1", running.port)) as open_one:
        running.loop.turn(lambda: running.service.traffic.clients == 1)
        running.write(listen=both)
        assert running.take().number == 2
        assert running.accepts(running.second)
        running.loop.quiet()
        open_one.sendall(b"BAD\r\n\r\n")
        open_one.setblocking(False)
        got = bytearray()

        def answered() -> bool:
            try:
                got.extend(open_one.recv(9999))
            except BlockingIOError:
                return False
            return True

        running.loop.turn(answered)
        assert got.startswith(b"HTTP/1.1 400 ")
    running.write(listen=f"127.0.0.1:{running.second}")
    running.take()
    assert not running.accepts(running.port)
    assert running.accepts(running.second)


@pytest.mark.parametrize(("before", "after"), [("", "127.0.0.1"), ("127.0.0.1", "")])
def test_a_listener_is_narrowed_or_widened_on_its_port(running: Running, before: str, after: str) -> None:
    running.write(listen=f"{before}:{running.second}")
    running.take()
    running.write(listen=f"{after}:{running.second}")
    running.take()
    addresses = [address for _, address, _ in running.service.traffic.listeners()]
    assert addresses == [f"{after}:{running.second}"]
    assert running.accepts(running.second)


def test_an_address_in_use_refuses_the_whole_reload(running: Running) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        running.write(listen=f"127.0.0.1:{taken.getsockname()[1]}", more="server.b = 127.0.0.1:1")
        with pytest.raises(Exception, match="in use; stop the other program"):
            running.take()
    assert running.service.registry.generation == 1
    assert running.service.registry.pools["web"].server("b") is None
    assert running.accepts(running.port)


def test_a_reload_is_answered_when_layer_4_has_followed(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed: Deferred[None] = Deferred()
    monkeypatch.setattr(running.service.layer4, "follow", lambda _configuration: followed)
    running.write(more="server.b = 127.0.0.1:1")
    made = running.taking()
    assert running.service.registry.generation == 2
    assert not made
    followed.callback(None)
    assert result(made).number == 2


@pytest.mark.parametrize("refused", [False, True])
def test_a_reload_is_served_when_layer_4_is_ready_for_it(
    running: Running, monkeypatch: pytest.MonkeyPatch, *, refused: bool
) -> None:
    """A server that is chosen before its answers are captured has its clients reset their connections."""
    ready: Deferred[None] = Deferred()
    followed: list[Configuration] = []

    def follow(configuration: Configuration) -> Deferred[None]:
        followed.append(configuration)
        return succeed(None)

    class Kernel:
        """The packet shell, which is asked to be ready."""

        def prepare(self, *_: object) -> Deferred[None]:
            return ready

        def __getattr__(self, name: str) -> Any:
            return lambda *_: ()

    monkeypatch.setattr(running.service.layer4, "shell", Kernel())
    monkeypatch.setattr(running.service.layer4, "follow", follow)
    before = running.service.registry.configuration
    with socket.create_server(("127.0.0.1", running.second)):
        both = f"127.0.0.1:{running.port}, 127.0.0.1:{running.second}" if refused else ""
        running.write(listen=both, more="server.b = 127.0.0.1:1")
        made = running.taking()
        assert running.service.registry.pools["web"].server("b") is None
        ready.callback(None)
    if refused:
        assert made[0].check(BindError)
        assert followed == [before], "the kernel goes back to what is served"
    else:
        assert result(made).number == 2
        assert followed == [running.service.registry.configuration] != [before]


def test_it_is_ready_when_layer_4_has_the_packets(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    followed: Deferred[None] = Deferred()
    monkeypatch.setattr(running.service.layer4, "follow", lambda _configuration: followed)
    running.stop()
    with said() as lines:
        running.service.startService()
        assert not any("is ready" in line for line in lines)
        followed.callback(None)
    assert any("is ready" in line for line in lines)


def test_rotated_logs_are_opened_anew_and_one_that_cannot_be_is_named(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> bool:
        raise FileNotFoundError(2, "No such file or directory")

    with said() as lines:
        running.service.logs.reopen()
    assert lines == [], "neither is a file here"
    monkeypatch.setattr(running.service.logs.access, "reopen", gone)
    monkeypatch.setattr(event_log, "reopen", lambda: True)
    with said() as lines:
        running.service.logs.reopen()
    assert lines == [
        "error: the access log cannot be reopened: No such file or directory; the old file goes on",
        "info: the event log is opened anew",
    ]


def test_a_change_reaches_the_registry_and_makes_a_generation(running: Running) -> None:
    server = running.service.registry.pools["web"].server("a")
    assert server is not None
    change = ServerChanged("web", evolve(server.config, weight=5))
    made = result(outcome(running.service.apply([change], "ops")))
    assert (made.number, made.author) == (2, "ops")
    assert server.weight == 5
    change = ServerChanged("web", evolve(server.config, name="nobody"))
    with pytest.raises(ChangeRefused):
        result(outcome(running.service.apply([change], "ops")))
    assert running.service.registry.generation == 2


def test_a_state_dir_that_cannot_be_made_says_which_key(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    with (
        loop_of() as loop,
        pytest.raises(DirectorError, match=r"\[director\] state_dir = .*/var cannot be made: "),
    ):
        Running(loop, tmp_path)


def test_a_reload_says_that_it_read_the_users_own_schedulers_anew(running: Running) -> None:
    file = running.folder / "mine.py"
    more = "scheduler = mine\n[scheduler:mine]\npython = mine.py:Mine"
    source = "class Mine:\n    def choose(self, servers, key, now):\n        {}\n"
    for body in ("return servers[0]", "raise KeyError"):
        file.write_text(source.format(body))
        running.write(more=more)
        assert running.take().diff[-1] == "scheduler mine read anew"
    pool = running.service.registry.pools["web"]
    guard: Any = running.service.registry.scheduler(pool, "l7:www")
    assert guard.choose(pool.servers, None, 0.0) is pool.servers[0]
    assert guard.reason == "choose raised KeyError"


def test_reloads_are_read_off_the_loop_one_after_the_other(running: Running) -> None:
    running.write(more="server.b = 127.0.0.1:1")
    numbers: list[int] = []
    refused: list[object] = []
    # The pool starts with a reactor that runs; this one is turned by hand.
    pool = running.service.reactor.getThreadPool()
    pool.start()
    for _ in range(3):
        running.service.reload("ops").addCallbacks(
            lambda applied: numbers.append(applied.generation.number), refused.append
        )
    assert running.service.registry.generation == 1
    with said() as lines:
        running.loop.turn(lambda: len(numbers) + len(refused) == 3)
    pool.stop()
    assert (numbers, refused) == ([2, 2, 2], []), "what changes nothing makes no generation"
    assert "info: reloaded: generation 2 by ops, 1 change(s)" in lines
    assert lines[-1] == "info: reloaded: generation 2 runs on, nothing changed (asked by ops)"
    assert running.service.registry.pools["web"].server("b") is not None


def test_orders_outlive_a_restart(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with loop_of() as loop:
        first = Running(loop, tmp_path)
        server = first.service.registry.pools["web"].by_name["a"]
        first.service.apply([ServerChanged("web", evolve(server.config, weight=5, max=9))], "ops")
        first.service.apply([Ordered("web", "a", State.DRAIN)], "ops")
        # The program ends without a word, as by kill -9: what was answered is on the disk already.
        orders = (tmp_path / "var" / "orders.json").read_bytes()
        first.stop()
        assert (tmp_path / "var" / "orders.json").read_bytes() == orders
        again = Running(loop, tmp_path)
        server = again.service.registry.pools["web"].by_name["a"]
        assert (server.weight, server.max, server.state) == (5, 9, State.DRAIN)
        assert "weight=5" in again.service.control.config_text()
        # Another restart without the server: its orders go, and do not come back with it.
        again.stop()
        again.origin = free_port()
        (tmp_path / "director.ini").write_text(
            again.path.read_text().replace("server.a", "server.z"), encoding="utf-8"
        )
        third = DirectorService(str(again.path), read(str(again.path)), loop.reactor)
        third.privilegedStartService()
        assert third.registry.pools["web"].by_name["z"].state is State.READY
        third.stopService()
        assert json.loads((tmp_path / "var" / "orders.json").read_text())["overlay"] == []
    for number, old in zip(SIGNALS, before, strict=True):
        signal.signal(number, old)
