"""A new program takes the running one's place: every request is answered; a start that fails is nothing."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.conftest import StartDirector
from tests.integration.texts import web
from tests.support import needs
from tests.support.origin import Origin
from tests.support.running import Director, Place, wait_until

pytestmark = [pytest.mark.integration, needs.director]


class Clients:
    """Clients who ask one request after the other; the books of what became of each.

    A kept connection that ends without an answer counts as a lost request, too.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.book: Counter[str] = Counter()
        self.over = threading.Event()

    @property
    def answered(self) -> int:
        return self.book["200"]

    def ask(self, *, keep: bool) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self.over.is_set():
            try:
                connection = connection or http.client.HTTPConnection(*self.place, timeout=30)
                connection.request("GET", "/x", headers={} if keep else {"Connection": "close"})
                answer = connection.getresponse()
                answer.read()
                self.book[str(answer.status)] += 1
                if answer.will_close:
                    connection.close()
                    connection = None
            except OSError as error:
                self.book[repr(error)] += 1
                connection = None
            time.sleep(0.002)
        if connection is not None:
            connection.close()

    @contextmanager
    def asking(self) -> Iterator[None]:
        threads = [threading.Thread(target=self.ask, kwargs={"keep": number < 3}) for number in range(5)]
        for one in threads:
            one.start()
        try:
            yield
        finally:
            self.over.set()
            for one in threads:
                one.join()

    def some_more(self) -> bool:
        """A hundred more were answered, by whoever serves now."""
        before = self.answered
        return wait_until(lambda: self.answered > before + 100, 30)


def gone(pid: int) -> bool:
    return wait_until(lambda: not Path(f"/proc/{pid}/fd").exists(), 30)


def serving(director: Director, workers: int) -> bool:
    return wait_until(lambda: sum(one["serving"] for one in director.api("processes")) == 1 + workers, 40)


@pytest.mark.parametrize("workers", [0, 2])
def test_no_request_is_lost_and_a_failed_start_changes_nothing(start: StartDirector, workers: int) -> None:
    with Origin() as origin:
        text = web({"a": origin.address}).replace("[director]\n", f"[director]\nworkers = {workers}\n", 1)
        # The origin is a thread beside the clients: that it is slow for a moment is not what is asked here.
        text = text.replace("timeout.response = 2s", "timeout.response = 20s")
        director = start(text)
        assert serving(director, workers)
        first = director.pid
        clients = Clients(director.place)
        with clients.asking():
            assert clients.some_more()
            director.write(text.replace("scheduler = rr", "scheduler = nobody"))
            refused = director.command("upgrade")
            assert (refused.returncode, refused.stdout) == (1, "")
            assert "this one goes on: it ended with status 1" in refused.stderr
            assert "nobody" in refused.stderr, "what is wrong is told"
            assert director.log.count("upgrade: the new program does not take over") == 1
            assert director.leader == first
            director.write(text)
            done = director.command("upgrade")
            assert (done.returncode, done.stderr) == (0, "")
            second = director.leader
            assert f"process {second}, version " in done.stdout
            assert second != first
            assert director.process is not None
            assert director.process.wait(30) == 0, "the old one ends by itself"
            assert serving(director, workers)
            assert clients.some_more()
            os.kill(second, signal.SIGUSR2)
            assert gone(second)
            assert director.leader not in {first, second}
            assert serving(director, workers)
            assert clients.some_more()
        assert set(clients.book) == {"200"}
        assert director.command("weight", "web/a", "3").returncode == 0, "it is the director in every way"
        assert Path(director.state / "control.sock").stat().st_mode & 0o777 == 0o600


def test_a_client_who_is_idle_is_answered_once_more(start: StartDirector) -> None:
    """Closing at once could meet a request that is on its way; here it is late by seconds."""
    with Origin() as origin:
        text = web({"a": origin.address}).replace("shutdown_grace = 5s", "shutdown_grace = 2s\nworkers = 0")
        director = start(text)
        kept, silent = (http.client.HTTPConnection(*director.place, timeout=30) for _ in range(2))
        for one in (kept, silent):
            one.request("GET", "/x")
            assert one.getresponse().read()
        assert director.command("upgrade").returncode == 0
        assert wait_until(lambda: "stopping: 2 client connection(s)" in director.log)
        kept.request("GET", "/x")
        answer = kept.getresponse()
        assert (answer.status, answer.will_close, bool(answer.read())) == (200, True, True)
        assert director.process is not None
        assert director.process.wait(30) == 0, "who says nothing is let go when shutdown_grace is over"
        assert silent.sock.recv(1) == b""
        kept.close()
        silent.close()
        assert "are cut" not in director.log


def test_the_pid_file_of_a_daemon_names_the_new_one(start: StartDirector, tmp_path: Path) -> None:
    file = tmp_path / "director.pid"
    with Origin() as origin:
        director = start(web({"a": origin.address}).replace("[director]\n", "[director]\nworkers = 0\n", 1))
        assert director.stop() == 0
        daemon = [one for one in director.arguments if one not in {"-n", "--pidfile="}]
        daemon.insert(1, f"--pidfile={file}")
        subprocess.run(daemon, cwd=tmp_path, check=True, timeout=60)
        assert wait_until((director.state / "control.sock").exists, 30)
        first = int(file.read_text())
        assert director.leader == first
        try:
            os.kill(first, signal.SIGUSR2)
            assert gone(first)
            second = int(file.read_text())
            assert director.leader == second != first
        finally:
            os.kill(int(file.read_text()), signal.SIGTERM)
        assert gone(second)
        assert not file.exists(), "it goes with the last one"
