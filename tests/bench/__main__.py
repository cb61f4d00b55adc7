"""`make bench`: the director beside HAProxy and nginx, in turn, in one run, on 127.0.0.1."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from attrs import evolve

from tests.bench import load, report
from tests.bench.figures import machine
from tests.bench.programs import (
    BIG,
    ROOT,
    Behind,
    BenchError,
    Program,
    director_command,
    echo_command,
    haproxy_command,
    interpreter,
    nginx_command,
    origin_command,
    running,
    tool,
)
from tests.support.certificates import make

PAGE = ROOT / "docs" / "benchmarks.md"
LOADS = ("small", "fresh", "big", "p99", "new", "tlsnew", "tlsresumed", "tlsbig", "h2", "ws", "tcp")
IDLE = {"idle": load.in_clear, "idletls": load.in_tls, "idleh2": load.in_h2}
WORKLOADS = (*LOADS, *IDLE)
PROGRAMS = ("director", "haproxy", "nginx")
# wrk pauses in whole milliseconds; with so many connections half of 64 000 requests/s is a mean of 4 ms.
THINKING_CONNECTIONS = 128
HOW = """\
Medians of {rounds} rounds of {seconds:g} s, the programs in turn within each round; a ratio is the median of
the rounds' ratios. Every proxy has the same two rules, an access log to a file, `X-Forwarded-For`, pooled
keep-alive connections to one nginx, and runs in one thread; wrk drives it with one thread, and all of them
share the machine's processors. For the 99th percentile wrk's connections pause between requests, so that
each program gets half of the rate it reached before ({connections} connections; a steady rate, not an open
loop). TLS: one ECDSA certificate, handshakes one after the other with a request each, HTTP/2 by h2load;
WebSockets and their echo are small Python programs, which reach the same with every proxy when they are the
slowest: there the processor time tells. Idle: {idle} connections that have made one request."""


class Bench:
    """One run: what is measured with what, and the figures so far."""

    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        self.seconds: float = arguments.seconds
        self.rounds: int = arguments.rounds
        self.only: list[str] = arguments.only
        self.idle = load.raise_descriptor_limit(arguments.idle)
        self.folder = folder
        self.python = interpreter(arguments.python)
        self.commands = {
            "director": director_command(self.python),
            "haproxy": haproxy_command,
            "nginx": nginx_command,
        }
        self.programs: list[str] = arguments.programs
        self.figures: report.Figures = {}

    def note(self, row: str, program: str, value: float, remark: str = "") -> None:
        """Keep a figure, and say it, with a remark."""
        self.figures.setdefault(row, {}).setdefault(program, []).append(value)
        unit = next(each.unit for each in report.ROWS if each.name == row)
        print(f"  {row:8} {program:9} {value:12.2f} {unit}{remark}", flush=True)

    def small(self, program: Program) -> None:
        """Small requests: rate, and processor time of each."""
        run = load.wrk(program, "/small.txt", self.seconds, self.folder)
        self.note("small", program.name, run.rate)
        self.note("cpu", program.name, run.cpu / run.requests * 1e6)

    def fresh(self, program: Program) -> None:
        """The same, but no request is like the one before: what is remembered of heads helps nobody."""
        run = load.wrk(program, "/small.txt", self.seconds, self.folder, fresh=True)
        self.note("fresh", program.name, run.rate)
        self.note("freshcpu", program.name, run.cpu / run.requests * 1e6)

    def big(self, program: Program) -> None:
        """Large bodies: bytes in each second."""
        run = load.wrk(program, "/big.bin", self.seconds, self.folder, connections=8)
        if run.octets < run.requests * BIG:
            raise BenchError(f"{program.name}: bodies are shorter than {BIG} octets")
        self.note("big", program.name, run.octets / run.seconds / 1e6)
        self.note("bigcpu", program.name, run.cpu / (run.octets / 1e9))

    def p99(self, program: Program) -> None:
        """Latency at half of the rate this program reached."""
        reached = self.figures.get("small", {}).get(program.name)
        best = max(reached) if reached else load.wrk(program, "/small.txt", 1, self.folder).rate
        think = max(1, round(THINKING_CONNECTIONS / (best / 2) * 1000))
        run = load.wrk(
            program, "/small.txt", self.seconds, self.folder, connections=THINKING_CONNECTIONS, think=think
        )
        self.note("p99", program.name, run.p99 * 1000, f" at {run.rate:.0f} of {best:.0f} requests/s")

    def new(self, program: Program) -> None:
        """A connection for each request."""
        run = load.wrk(program, "/small.txt", self.seconds, self.folder, close=True)
        self.note("new", program.name, run.rate)

    def tlsnew(self, program: Program) -> None:
        """Handshakes in full."""
        done = load.handshakes(program, self.seconds, reuse=False)
        self.note("tlsnew", program.name, done.number / done.cpu, f" at {done.number / done.seconds:.0f}/s")

    def tlsresumed(self, program: Program) -> None:
        """Handshakes that go on from a session."""
        done = load.handshakes(program, self.seconds, reuse=True)
        self.note(
            "tlsresumed", program.name, done.number / done.cpu, f" at {done.number / done.seconds:.0f}/s"
        )

    def tlsbig(self, program: Program) -> None:
        """Large bodies inside TLS."""
        run = load.wrk(program, "/big.bin", self.seconds, self.folder, connections=8, tls=True)
        rate = run.octets / run.seconds / 1e6
        self.note("tlsbig", program.name, run.octets / 1e6 / run.cpu, f" at {rate:.0f} MB/s")

    def h2(self, program: Program) -> None:
        """Small requests, many at a time on a connection."""
        done = load.h2(program, self.seconds)
        self.note("h2", program.name, done.number / done.seconds)
        self.note("h2cpu", program.name, done.cpu / done.number * 1e6)

    def ws(self, program: Program) -> None:
        """Small messages of a tunnel."""
        done = load.websockets(program, self.seconds)
        self.note("ws", program.name, done.number / done.seconds)
        self.note("wscpu", program.name, done.cpu / done.number * 1e6)

    def tcp(self, program: Program) -> None:
        """Large transfers that nobody reads on the way."""
        if program.name == "nginx":
            return
        through = evolve(program, port=program.ports.tcp)
        run = load.wrk(through, "/big.bin", self.seconds, self.folder, connections=8)
        self.note("tcp", program.name, run.octets / run.seconds / 1e6)
        self.note("tcpcpu", program.name, run.cpu / (run.octets / 1e9))

    def loads(self, behind: Behind) -> None:
        """All that wrk does, with the three programs running side by side."""
        with ExitStack() as stack:
            started = [
                stack.enter_context(running(name, self.commands[name], self.folder, behind))
                for name in self.programs
            ]
            for number in range(1, self.rounds + 1):
                print(f"round {number} of {self.rounds}", flush=True)
                for workload in LOADS:
                    if workload in self.only:
                        for program in started:
                            getattr(self, workload)(program)

    def idles(self, behind: Behind, row: str) -> None:
        """Idle connections of one kind, each program freshly started."""
        print(f"{self.idle} idle connections", flush=True)
        for name in self.programs:
            with running(name, self.commands[name], self.folder, behind) as program:
                self.note(row, name, load.idle_bytes(program, self.idle, IDLE[row]) / 1000)

    def run(self) -> None:
        """Everything that was asked for."""
        pair = self.folder / "pair.pem"
        made = make("bench", "127.0.0.1")
        pair.write_bytes(made.chain + made.key)
        with (
            running("origin", origin_command, self.folder) as origin,
            running("echo", echo_command, self.folder) as echo,
        ):
            behind = Behind(origin.port, echo.port, pair)
            if set(self.only) & set(LOADS):
                self.loads(behind)
            for row in IDLE:
                if row in self.only:
                    self.idles(behind, row)


def parse(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench ARGS='…'", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4, help="length of one measurement (whole seconds)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--only", nargs="+", choices=WORKLOADS, default=list(WORKLOADS), help="some workloads"
    )
    parser.add_argument(
        "--programs", nargs="+", choices=PROGRAMS, default=list(PROGRAMS), help="some programs"
    )
    parser.add_argument("--idle", type=int, default=5000, help="idle connections")
    parser.add_argument("--python", help="interpreter for the director, such as /usr/bin/python3")
    return parser.parse_args(words)


def publish(bench: Bench) -> None:
    """Print the table; a whole run also goes into the documentation."""
    lines = report.table(bench.figures, bench.programs)
    print(f"\n{report.as_text(lines)}\n")
    if set(bench.only) != set(WORKLOADS) or set(bench.programs) != set(PROGRAMS):
        return
    facts = machine(bench.python, {name: tool(name) for name in ("haproxy", "nginx", "wrk")})
    how = HOW.format(
        rounds=bench.rounds, seconds=bench.seconds, connections=THINKING_CONNECTIONS, idle=bench.idle
    )
    PAGE.write_text(report.page(PAGE.read_text(encoding="utf-8"), lines, facts, how), encoding="utf-8")
    print(f"written to {PAGE.relative_to(ROOT)}")


def main() -> int:
    """Run, print, end what was started; 1 when something could not be measured."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    arguments = parse(sys.argv[1:])
    try:
        with tempfile.TemporaryDirectory(prefix="director-bench-") as folder:
            bench = Bench(arguments, Path(folder))
            bench.run()
            publish(bench)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
