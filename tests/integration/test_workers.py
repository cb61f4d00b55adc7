"""Layer 7 in two processes: limits over both, deaths of each, and a change that all have or none."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import pytest

from tests.integration.conftest import StartDirector
from tests.integration.texts import web
from tests.support import needs
from tests.support.client import fetch
from tests.support.origin import Origin, Pause, Send, Step, plain
from tests.support.running import Director, accepts, children, free_port, wait_until
from tests.support.strict import Message

pytestmark = [pytest.mark.integration, needs.director]

GET = b"GET /x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"
SLOW = 0.1
MAX = 4


class Counted:
    """An origin's answer that knows how many requests it has at once."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.now = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, message: Message) -> Sequence[Step]:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(self.seconds)
        with self._lock:
            self.now -= 1
        return [Pause(0.0), Send(plain(message))]


def both(director: Director) -> list[int]:
    """Their process ids, once both serve: it is ready as soon as one does."""
    assert wait_until(lambda: len(workers(director)) == 2, 40), director.log
    return workers(director)


def two(text: str) -> str:
    """With two workers."""
    return text.replace("[director]\n", "[director]\nworkers = 2\n", 1)


def workers(director: Director) -> list[int]:
    """Their process ids."""
    return [one["pid"] for one in director.api("processes")[1:] if one["serving"]]


def answered(clients: set[socket.socket], count: int, seconds: float = 30.0) -> set[socket.socket]:
    """Those of `clients` that get an answer, once there are so many, or when the time is over."""
    found: set[socket.socket] = set()
    deadline = time.monotonic() + seconds
    while len(found) < count and (left := deadline - time.monotonic()) > 0:
        found |= {one for one in select.select(list(clients - found), [], [], left)[0] if one.recv(65536)}
    return found


def load(director: Director) -> list[int]:
    """What the registry says each server of the pool holds."""
    return [one["load"] for one in director.api("pools", "web")["servers"]]


def served(director: Director, count: int = 20) -> list[int]:
    """The statuses of so many requests, one after the other."""
    return [fetch(director.place, GET, patience=20).status for _ in range(count)]


def test_max_counts_over_both_and_is_fully_used(start: StartDirector) -> None:
    counted = Counted(SLOW)
    with Origin(counted) as origin:
        director = start(two(web({"a": f"{origin.address} max={MAX}"}, "queue = 100 for 60s")))
        both(director)
        with ThreadPoolExecutor(64) as pool:
            answers = pool.map(lambda _: fetch(director.place, GET, patience=60).status, range(64))
            assert set(answers) == {200}
        assert counted.most == MAX
        assert wait_until(lambda: load(director) == [0])


def test_max_connections_counts_the_clients_of_both(start: StartDirector) -> None:
    """Those that come later wait in the backlog, whichever worker has them, until somebody leaves."""
    with Origin() as origin:
        director = start(two(web({"a": origin.address}, "", f"max_connections = {MAX}")))
        both(director)
        ask = GET.replace(b"Connection: close\r\n", b"")
        clients = [socket.create_connection(director.place, 10) for _ in range(3 * MAX)]
        waiting = set(clients)
        for client in clients:
            client.settimeout(30)
            client.sendall(ask)
        for _ in range(3):
            served = answered(waiting, MAX)
            assert len(served) == MAX
            assert answered(waiting - served, 1, 0.4) == set(), "the others wait"
            for client in served:
                waiting.remove(client)
                client.close()


def test_a_killed_worker_is_replaced_and_its_claims_come_back(start: StartDirector) -> None:
    counted = Counted(2.0)
    with Origin(counted) as origin:
        director = start(two(web({"a": origin.address}, "timeout.response = 9s")))
        before = both(director)
        with ThreadPoolExecutor(16) as pool:
            busy = [pool.submit(fetch, director.place, GET, patience=20) for _ in range(16)]
            assert wait_until(lambda: load(director) == [16], 15)
            os.kill(before[0], signal.SIGKILL)
            for one in busy:
                one.exception()
        counted.seconds = 0.0
        assert wait_until(lambda: len(workers(director)) == 2 and before[0] not in workers(director), 30)
        assert wait_until(lambda: load(director) == [0])
        assert set(served(director)) == {200}
        assert f"worker 1 (process {before[0]}) ended by SIGKILL" in director.log


def test_a_hung_worker_is_killed_and_replaced(start: StartDirector) -> None:
    with Origin() as origin:
        director = start(two(web({"a": origin.address})))
        hung = both(director)[1]
        os.kill(hung, signal.SIGSTOP)
        assert wait_until(lambda: hung not in workers(director) and len(workers(director)) == 2, 40)
        assert set(served(director)) == {200}
        assert "worker 2 has not answered for 3s and is killed" in director.log


def test_after_a_reload_was_answered_nobody_gets_an_old_answer(start: StartDirector) -> None:
    with Origin(lambda message: [Send(plain(message, b"old"))]) as old, Origin() as new:
        director = start(two(web({"a": old.address})))
        assert set(served(director, 8)) == {200}
        director.write(two(web({"a": new.address})))
        command = [
            str(Path(sys.executable).with_name("director")),
            "reload",
            "-c",
            str(director.file),
            "--json",
        ]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
        assert json.loads(answer)["kept"] is True
        old.forget()
        assert set(served(director, 16)) == {200}
        assert [message for record in old.records for message in record.messages] == []


class Asking:
    """A client that asks again and again, until the end."""

    def __init__(self, director: Director) -> None:
        self.statuses: list[int] = []
        self._director = director
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        while not self._over.is_set():
            self.statuses.extend(served(self._director, 1))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def kill_control(director: Director) -> None:
    """-9, and it was waited for."""
    director.signal(signal.SIGKILL)
    assert director.process is not None
    director.process.wait(10)


def test_when_the_control_process_dies_they_serve_on_and_the_next_one_adopts_them(
    start: StartDirector,
) -> None:
    counted = Counted(0.0)
    with Origin(counted) as origin:
        second = ("127.0.0.1", free_port())
        text = two(web({"a": f"{origin.address} max=4"}, "timeout.response = 60s\nqueue = 100 for 60s"))
        text = text.replace("{listen}", f"{{listen}}, 127.0.0.1:{second[1]}")
        director = start(text)
        left = both(director)
        counted.seconds = 6.0
        with ThreadPoolExecutor(12) as pool:
            busy = [pool.submit(fetch, director.place, GET, patience=60) for _ in range(12)]
            assert wait_until(lambda: load(director) == [4], 15)
            kill_control(director)
            counted.seconds = 0.0
            director.write(text.replace("max=4", "max=4 weight=7"))
            director.start()
            assert workers(director) == left
            assert load(director) in ([4], [0]), "what was claimed stays claimed"
            assert {one.result().status for one in busy} == {200}
        assert counted.most == 4
        assert wait_until(lambda: load(director) == [0])
        assert director.api("pools", "web")["servers"][0]["weight"] == 7
        assert accepts(second)
        director.write(text.replace(f", 127.0.0.1:{second[1]}", ""))
        assert director.command("reload").returncode == 0
        assert not accepts(second), "nobody holds it any more"
        assert f"processes of an earlier run go on here: {left[0]}, {left[1]}" in director.log
        kill_control(director)
        os.kill(left[0], signal.SIGSTOP)
        director.start()
        assert left[1] in both(director)
        os.kill(left[1], signal.SIGKILL)
        assert wait_until(lambda: left[1] not in workers(director) and len(both(director)) == 2, 40)
        assert f"process {left[0]} of an earlier run does not answer and is killed" in director.log
        assert f"worker 2 (process {left[1]}) ended for a reason" in director.log
        assert set(served(director)) == {200}


def test_those_that_cannot_be_adopted_are_replaced_and_somebody_listens_all_the_time(
    start: StartDirector,
) -> None:
    with Origin() as origin:
        text = two(web({"a": origin.address}))
        director = start(text)
        left = both(director)
        kill_control(director)
        assert set(served(director)) == {200}
        director.write(text.replace("[director]\n", "[director]\ntrace = 77\n"))
        with Asking(director) as asking:
            director.start()
            assert wait_until(lambda: len(workers(director)) == 2, 40)
            assert wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left), 20)
        assert set(asking.statuses) == {200}
        assert "are replaced, not adopted: they began with another name, log, trace" in director.log
        assert "2 worker(s) of an earlier run retire" in director.log


def test_what_both_count_and_remember_is_shown_as_one_and_the_log_has_whole_lines(
    start: StartDirector, tmp_path: Path
) -> None:
    with Origin() as origin:
        text = two(
            web({"a": origin.address}).replace(
                "shutdown_grace", f"access_log = {tmp_path}/a.log\nshutdown_grace"
            )
        )
        director = start(text)
        both(director)
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda _: fetch(director.place, GET).status, range(200))) == {200}
        assert director.api("pools", "web")["servers"][0]["requests"] == 200
        shown = director.api("requests")
        assert len({one["id"] for one in shown}) == 50
        assert director.api("requests", shown[0]["id"])["id"] == shown[0]["id"]
        told = director.api("processes")
        assert [one["name"] for one in told] == ["control", "worker 1", "worker 2"]
        assert sum(one["requests"] for one in told) == 200
        assert all(one["requests"] for one in told[1:]), "the kernel shares the clients"
        assert director.stop() == 0
        lines = (tmp_path / "a.log").read_text().splitlines()
        assert len(lines) == len({line.rsplit(" ", 1)[1] for line in lines}) == 200
        assert children(os.getpid()) == [] or not any(
            "processes.worker" in Path(f"/proc/{pid}/cmdline").read_text() for pid in children(os.getpid())
        )
