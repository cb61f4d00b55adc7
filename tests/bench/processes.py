"""How the director grows with processes, beside HAProxy with as many threads; what its admin costs traffic.

`python -m tests.bench.processes` (`make bench-processes`) prints, for each number of workers or threads, the
requests per second, the processor time of each, and the memory; the same while the admin's `/metrics` is
hammered, once its own and once that of a director beside, so that the hammer's share of the machine is in
both; and what the measured costs would give on more processors: with `c(n) = c(1) + k (n - 1)` for the time
of a request with n workers, n / c(n) requests a second.  `k` is what processes cost each other: sums over
all of them where connections are counted, and locks where a server has a `max`.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from attrs import frozen

from tests.bench import load
from tests.bench.figures import cpu_seconds, resident_bytes
from tests.bench.programs import (
    Behind,
    Command,
    Ports,
    Program,
    director_command,
    haproxy_command,
    interpreter,
    origin_command,
    running,
    tool,
)
from tests.support.certificates import make

HAMMERS = 8
"""Connections that ask for `/metrics` at once."""
PAPER = (1, 2, 4, 8, 16, 32, 64)


@frozen
class Figures:
    """Of one program: requests per second, microseconds of processor time of each, megabytes, p99 in ms."""

    rate: float
    cost: float
    memory: float
    p99: float


def changed(command: Command, old: str, new: str) -> Command:
    """The same with another line in its configuration, whose path is the last word."""

    def made(folder: Path, ports: Ports, behind: Behind) -> list[str]:
        words = command(folder, ports, behind)
        config = Path(words[-1])
        text = config.read_text(encoding="utf-8")
        if old not in text:
            raise AssertionError(f"{old!r} is not in {config}")
        config.write_text(text.replace(old, new), encoding="utf-8")
        return words

    return made


def measured(program: Program, seconds: float, folder: Path) -> Figures:
    """Under small requests."""
    run = load.wrk(program, "/small.txt", seconds, folder)
    memory = resident_bytes(program.process.pid) / 1e6
    return Figures(run.rate, run.cpu / run.requests * 1e6, memory, run.p99 * 1e3)


@contextmanager
def hammered(program: Program, folder: Path, seconds: float) -> Iterator[None]:
    """While somebody asks its admin for `/metrics`, as fast as it answers."""
    [place] = folder.glob(f"{program.name}-*/director.ini")
    port = re.findall(r"\[admin\]\nlisten = 127.0.0.1:(\d+)", place.read_text(encoding="utf-8"))[0]
    token = (place.parent / "var" / "admin.token").read_text(encoding="utf-8").strip()
    command = [tool("wrk"), "-t1", f"-c{HAMMERS}", f"-d{round(seconds) + 2}s", "--timeout", "10s"]
    command += ["-H", f"Authorization: Bearer {token}", f"http://127.0.0.1:{port}/metrics"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def on_paper(one: float, two: float) -> str:
    """What the costs of a request with one and with two workers (in microseconds) would give with more."""
    each = max(0.0, two - one)
    rows = [(number, number / (one + each * (number - 1)) * 1e6) for number in PAPER]
    first = rows[0][1]
    return "\n".join(
        f"  {number:3} processors {rate:12.0f}/s  {rate / first:6.1f} x" for number, rate in rows
    )


def show(name: str, found: list[Figures]) -> Figures:
    """The median of several rounds."""
    columns = zip(*((one.rate, one.cost, one.memory, one.p99) for one in found), strict=True)
    middle = Figures(*(median(column) for column in columns))
    print(
        f"{name:28} {middle.rate:9.0f}/s {middle.cost:8.1f} us {middle.memory:8.0f} MB "
        f"p99 {middle.p99:7.2f} ms",
        flush=True,
    )
    return middle


def main() -> None:
    """Measure, in turn, and print."""
    asked = argparse.ArgumentParser(prog="tests.bench.processes", description=__doc__)
    asked.add_argument("--seconds", type=float, default=5.0)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    options = asked.parse_args()
    seconds: float = options.seconds
    director = director_command(interpreter(None))
    with tempfile.TemporaryDirectory(prefix="director-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        made, pair = make("bench", "127.0.0.1"), folder / "pair.pem"
        pair.write_bytes(made.chain + made.key)
        origin = stack.enter_context(running("origin", origin_command, folder))
        behind = Behind(origin.port, origin.port, pair)
        commands = {"director, one process": director}
        for number in options.workers:
            word = f"workers = {number}"
            commands[f"director, {word}"] = changed(director, "workers = 0", word)
            word = f"nbthread {number}"
            commands[f"haproxy, {word}"] = changed(haproxy_command, "nbthread 1", word)
        programs = [
            stack.enter_context(running(text.replace(", ", "-").replace(" ", ""), command, folder, behind))
            for text, command in commands.items()
        ]
        rounds: dict[str, list[Figures]] = {one.name: [] for one in programs}
        for _ in range(options.rounds):
            for one in programs:
                rounds[one.name].append(measured(one, seconds, folder))
        found = {one.name: show(one.name, rounds[one.name]) for one in programs}
        own = next(one for one in programs if one.name == f"director-workers={options.workers[-1]}")
        other = programs[0]
        for text, beside in (("its own admin", own), ("the admin of another", other)):
            with hammered(beside, folder, seconds):
                show(f"{own.name}, {text}", [measured(own, seconds, folder)])
        before = cpu_seconds(own.process.pid)
        time.sleep(seconds)
        share = (cpu_seconds(own.process.pid) - before) / seconds
        print(f"at rest {own.name} takes {share:.1%} of a processor")
        costs = [found[f"director-workers={number}"].cost for number in options.workers[:2]]
        if len(costs) > 1:
            print(f"on paper, from {costs[0]:.1f} and {costs[1]:.1f} us a request:")
            print(on_paper(*costs))


if __name__ == "__main__":
    main()
