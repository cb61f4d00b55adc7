"""Network namespaces for the lab and for tests: made, joined, filled with programs, taken down.

A `Namespaces` owns everything it makes: namespaces with names that are unique per run, and the
processes started in them.  `close` (or leaving the `with`) ends those processes and removes
those namespaces, also after a failure, and touches nothing else.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from director.errors import DirectorError

PATH = os.pathsep.join((*os.get_exec_path(), "/usr/sbin", "/sbin"))
"""Where commands are looked for: an ordinary user's PATH often lacks the system's own."""

_CLONE_NEWNET = 0x40000000
_RUN = Path("/run/netns")


def _ip() -> str:
    return shutil.which("ip", path=PATH) or "/sbin/ip"


def lacking() -> str:
    """What is missing to make namespaces, as a sentence; empty when nothing is."""
    if os.geteuid() != 0:
        return "network namespaces need root: run this with sudo"
    if shutil.which("ip", path=PATH) is None:
        return "the command ip is missing: apt install iproute2"
    return ""


class Namespaces:
    """A set of namespaces and the processes in them."""

    def __init__(self, prefix: str = "dir") -> None:
        """`prefix` and six random hexadecimal digits begin each namespace's name."""
        self.tag = f"{prefix}-{secrets.token_hex(3)}"
        self.names: list[str] = []
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def add(self, role: str) -> str:
        """Make a namespace with its loopback up; returns its full name."""
        name = self.name(role)
        command(["ip", "netns", "add", name])
        self.names.append(name)
        self.run(name, "ip", "link", "set", "lo", "up")
        return name

    def name(self, role: str) -> str:
        """The full name of the namespace of `role`."""
        return f"{self.tag}-{role}"

    def ended(self) -> str:
        """The command of a process that ended by itself; empty when all run."""
        over = (one for one in self._processes if one.poll() is not None)
        return next((" ".join(map(str, one.args)) for one in over if isinstance(one.args, list)), "")

    def adopt(self, names: Sequence[str]) -> None:
        """Own namespaces made by an earlier run, so that `close` removes them."""
        self.names += names

    def link(self, left: str, left_device: str, right: str, right_device: str) -> None:
        """A veth pair between two namespaces, both ends up."""
        ends = ("type", "veth", "peer", "name", right_device, "netns", right)
        self.run(left, "ip", "link", "add", left_device, *ends)
        self.run(left, "ip", "link", "set", left_device, "up")
        self.run(right, "ip", "link", "set", right_device, "up")

    def address(self, name: str, device: str, address: str) -> None:
        """Give `device` an address with prefix length; IPv6 at once, without waiting for DAD."""
        words = ["ip", "address", "add", address, "dev", device]
        self.run(name, *words, *(["nodad"] if ":" in address else []))

    def sysctl(self, name: str, **values: object) -> None:
        """Set sysctls; `__` in a key stands for the dot."""
        for key, value in values.items():
            self.run(name, "sysctl", "-qw", f"{key.replace('__', '.')}={value}")

    def run(self, name: str, *argv: str, timeout: float = 30.0) -> str:
        """Run a command in a namespace to its end; its output.  Raises DirectorError when it fails."""
        return command(["ip", "netns", "exec", name, *argv], timeout=timeout)

    def start(
        self, name: str, *argv: str, log: Path | None = None, env: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program in a namespace; it is ended by `close`.  Output goes to `log`, or nowhere."""
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(log.open("ab")) if log else subprocess.DEVNULL
            process = subprocess.Popen(
                [_ip(), "netns", "exec", name, *argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def leave(self) -> None:
        """Let everything stand: nothing is owned any more."""
        for process in self._processes:
            # Popen warns of a child that nobody waited for, unless it believes that it ended.
            process.returncode = 0
        self._processes.clear()
        self.names.clear()

    def close(self) -> None:
        """End the processes and remove the namespaces; what is gone already is no error."""
        for process in reversed(self._processes):
            end(process)
        self._processes.clear()
        for name in reversed(self.names):
            with contextlib.suppress(DirectorError):
                command(["ip", "netns", "delete", name])
        self.names.clear()


def end(process: subprocess.Popen[bytes], patience: float = 3.0) -> int:
    """Ask `process` to end, and after `patience` seconds make it; its exit status."""
    if process.poll() is None:
        process.terminate()
        try:
            return process.wait(patience)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
    return process.wait()


def command(argv: Sequence[str], timeout: float = 30.0, stdin: str | None = None) -> str:
    """Run `argv` to its end; its output.  Raises DirectorError with what it said when it fails."""
    try:
        done = subprocess.run(
            list(argv), input=stdin, capture_output=True, text=True, timeout=timeout, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DirectorError(f"{' '.join(argv)}: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise DirectorError(f"{' '.join(argv)}: exit {done.returncode}: {said}")
    return done.stdout


@contextlib.contextmanager
def inside(name: str) -> Iterator[None]:
    """Let this thread work in namespace `name`; sockets made meanwhile stay there."""
    with Path("/proc/thread-self/ns/net").open("rb") as back, (_RUN / name).open("rb") as there:
        _join(there.fileno())
        try:
            yield
        finally:
            _join(back.fileno())


def _join(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
