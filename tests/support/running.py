"""Programs under test, started from a text of configuration on free ports and always stopped.

`Director(ini, directory)` runs `twistd -n director -c FILE`; `Haproxy(cfg, directory)` is the second
opinion.  Both are context managers, write their output to `directory/log`, and are stopped by pid.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from director.cli.client import ApiClient, Refused

ROOT = Path(__file__).parents[2]
Place = tuple[str, int]
WORKERS = "DIRECTOR_TEST_WORKERS"
"""The variable that says with how many workers the directors of all tests run, instead of `auto`."""


def with_workers(text: str, workers: str | None = None) -> str:
    """A configuration that says nothing itself, with so many workers as `WORKERS` or else `workers` says."""
    number = os.environ.get(WORKERS, workers)
    if number is None or "\nworkers" in text:
        return text
    return text.replace("[director]\n", f"[director]\nworkers = {number}\n", 1)


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that was free a moment ago."""
    with socket.create_server((host, 0)) as probe:
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], object], seconds: float = 5.0, every: float = 0.02) -> bool:
    """Ask `condition()` until it holds; False when time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(every)
    return bool(condition())


def settled(value: Callable[[], object], quiet: float = 0.3, seconds: float = 10.0) -> bool:
    """Wait until `value()` has not changed for `quiet` seconds; False when time is up."""
    last, since = value(), time.monotonic()

    def rests() -> bool:
        nonlocal last, since
        now, found = time.monotonic(), value()
        if found != last:
            last, since = found, now
        return now - since >= quiet

    return wait_until(rests, seconds)


def accepts(place: Place) -> bool:
    """Somebody listens there."""
    try:
        with socket.create_connection(place, 1):
            return True
    except OSError:
        return False


class Program:
    """One child process; `start` waits until `places` accept."""

    def __init__(self, arguments: list[str], directory: Path, places: list[Place]) -> None:
        self.arguments, self.directory, self.places = arguments, directory, places
        self.descriptors = 0
        self.output: IO[bytes] | int | None = None
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id."""
        assert self.process is not None
        return self.process.pid

    @property
    def log(self) -> str:
        """What it has said so far."""
        path = self.directory / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Run it and wait for its ports; raises AssertionError with its log when it does not come up."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        with (self.directory / "log").open("ab") as log:
            process = self.process = subprocess.Popen(
                self.arguments,
                cwd=self.directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log if self.output is None else self.output,
                stderr=subprocess.STDOUT if self.output is None else log,
                preexec_fn=self._limit if self.descriptors else None,  # noqa: PLW1509 - no threads need it
            )
        up = wait_until(
            lambda: process.poll() is not None or all(map(accepts, self.places)),
            60,
        )
        if not up or process.poll() is not None:
            self.stop()
            raise AssertionError(f"{self.arguments[0]} did not start:\n{self.log[-4000:]}")

    def _limit(self) -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors, self.descriptors))

    def stop(self, patience: float = 10.0) -> int:
        """SIGTERM, then SIGKILL when it does not go; returns the exit status."""
        process = self.process
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        if process.stdout:
            process.stdout.close()
        return process.returncode

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    @property
    def resident(self) -> int:
        """Resident memory of the process and its children, in bytes."""
        return sum(_resident(pid) for pid in (self.pid, *children(self.pid)))

    @property
    def descriptors_open(self) -> int:
        """Open descriptors of the process."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _resident(pid: int) -> int:
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def children(pid: int) -> list[int]:
    """Process ids of all descendants."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    direct = [int(word) for word in text.split()]
    return direct + [each for child in direct for each in children(child)]


class Director(Program):
    """The program itself.

    `ini` may hold `{listen}` (the port of the service), `{admin}` (that of the admin page) and
    `{state}`; `place` is where the service `www` listens.  `workers` counts where `ini` says nothing.
    """

    def __init__(
        self, ini: str, directory: Path, *, descriptors: int = 0, workers: str | None = None
    ) -> None:
        self.workers = workers
        self.port, self.admin = free_port(), free_port()
        self.file = directory / "director.ini"
        self.state = directory / "var"
        self.place = ("127.0.0.1", self.port)
        twistd = Path(sys.executable).with_name("twistd")
        arguments = [str(twistd), "-n", "--pidfile=", "director", "-c", str(self.file)]
        super().__init__(arguments, directory, [self.place])
        self.descriptors = descriptors
        self.write(ini)

    def write(self, ini: str) -> None:
        """Put another configuration in the file (it counts at the next start or reload)."""
        text = ini.format(listen=self.port, admin=self.admin, state=self.state)
        self.file.write_text(with_workers(text, self.workers), encoding="utf-8")

    def start(self) -> None:
        """Run it and wait for its port, for `/readyz`, and until each of its processes serves."""
        super().start()
        wait_until(lambda: self._ready() and self._all_serve(), 60)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/readyz", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError as error:
            # 503 = it runs, and no server is alive: some scenarios want just that.
            if isinstance(error, urllib.error.HTTPError):
                error.close()
                return True
            return False

    def _all_serve(self) -> bool:
        """A connection may fall to any worker, and waits in its line until it has begun."""
        with contextlib.suppress(Refused):
            return all(one["serving"] for one in self.api("processes"))
        return False

    def reload(self) -> None:
        """SIGHUP."""
        self.signal(signal.SIGHUP)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What `director WORDS` says."""
        command = str(Path(sys.executable).with_name("director"))
        arguments = [command, *words, "-c", str(self.file)]
        return subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)

    @property
    def leader(self) -> int:
        """The process id of the one who answers for the director, which an upgrade changes."""
        return int(self.api("processes")[0]["pid"])

    def stop(self, patience: float = 10.0) -> int:
        """Stop it, and whoever took its place."""
        with contextlib.suppress(Refused):
            leader = self.leader
            if self.process is not None and leader != self.pid:
                os.kill(leader, signal.SIGTERM)
                if not wait_until(lambda: not Path(f"/proc/{leader}/fd").exists(), patience):
                    os.kill(leader, signal.SIGKILL)
        return super().stop(patience)

    def api(self, *segments: str) -> Any:
        """What the REST API says, over the control socket."""
        return ApiClient(self.state / "control.sock").get(*segments)

    def finds(self, verdict: str, address: str) -> bool:
        """Wait until its check finds that server `up` or `down`; False when time is up."""
        wanted = (address, verdict)
        return wait_until(
            lambda: wanted in [(one["address"], one["verdict"]) for one in self.api("checks")], 10
        )


class Haproxy(Program):
    """HAProxy, as a second opinion: `cfg` may hold `{listen}`."""

    def __init__(self, cfg: str, directory: Path) -> None:
        self.place = ("127.0.0.1", free_port())
        file = directory / "haproxy.cfg"
        file.write_text(cfg.format(listen=self.place[1]), encoding="utf-8")
        super().__init__(["haproxy", "-db", "-f", str(file)], directory, [self.place])


class OriginProcess(Program):
    """`tests.support.origin` as a process of its own, to be killed, stopped and started again."""

    def __init__(self, name: str, directory: Path) -> None:
        folder = directory / name
        folder.mkdir()
        self.name, self.port, self.journal = name, free_port(), folder / "journal"
        self.address = f"127.0.0.1:{self.port}"
        arguments = [
            sys.executable,
            "-m",
            "tests.support.origin",
            "--port",
            str(self.port),
        ]
        arguments += ["--name", name, "--journal", str(self.journal)]
        super().__init__(arguments, folder, [("127.0.0.1", self.port)])

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait(5)

    @property
    def seen(self) -> list[tuple[str, str]]:
        """(id, method) of each complete request."""
        if not self.journal.exists():
            return []
        lines = self.journal.read_text(encoding="utf-8").splitlines()
        return [(entry["id"], entry["method"]) for entry in map(json.loads, lines)]
