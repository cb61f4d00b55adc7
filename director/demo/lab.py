"""The layer-4 lab: client, director and three real servers in network namespaces of this machine.

`lab_run` shows each method with real traffic and takes all down; `lab_up` leaves one method
standing for play and `lab_down` removes it.  The director is this program itself, started as
an operator would start it, on the inis in `etc/examples`.  Everything is made anew under
names unique to the run; nothing of the machine's own network is touched.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from attrs import frozen

import director
from director.demo.lab_server import content
from director.demo.netns import Namespaces, lacking
from director.demo.topology import METHODS, PORT, VIRTUAL, LabHost, Topology, topology
from director.errors import DirectorError
from director.model.pools import Forward

STANDING = Path("/run/director-lab.json")
"""What `lab_up` left, for `lab_down`."""
REQUESTS = 6
BYTES = 8 << 20
PATIENCE = 20.0
"""Seconds for the director to answer its first request."""

_SOURCES = Path(director.__file__).resolve().parents[1]
_PYTHON = sys.executable
_TWISTD = "import sys; from twisted.scripts.twistd import run; sys.exit(run())"

Say = Callable[[str], None]
LabCommand = Callable[[Path], list[str]]
"""The command line that starts the director on an ini."""


def twistd(ini: Path) -> list[str]:
    """The director as an operator starts it: `twistd -n director -c INI`."""
    return [_PYTHON, "-P", "-c", _TWISTD, "-n", "--pidfile=", "director", "-c", str(ini)]


@frozen
class LabExchange:
    """One request as both sides saw it: where the client went, who answered, and what that server saw."""

    asked: str
    server: str
    seen_from: str
    seen_to: str


@frozen
class LabReport:
    """What one method's run showed; `transfer` says how the large download ended, `failed` why not."""

    method: Forward
    exchanges: tuple[LabExchange, ...] = ()
    transfer: str = ""
    failed: str = ""


def lab_run(
    methods: Iterable[Forward] = METHODS, say: Say = lambda _line: None, start: LabCommand = twistd
) -> list[LabReport]:
    """Build, try and take down each method in turn; `say` gets the table line by line.

    Raises DirectorError when the machine lacks what the lab needs (root, ip).
    """
    _need()
    reports = []
    for method in methods:
        with Namespaces("lab") as made, tempfile.TemporaryDirectory(prefix="director-lab-") as place:
            report = _try(made, method, Path(place), start)
        reports.append(report)
        for line in table(report):
            say(line)
    return reports


def lab_up(method: Forward = Forward.NAT, say: Say = lambda _line: None, start: LabCommand = twistd) -> None:
    """Build `method` and leave it standing; `say` gets the commands to try."""
    _need()
    if STANDING.exists():
        raise DirectorError("a lab is standing already: director lab down removes it")
    place = Path(tempfile.mkdtemp(prefix="director-lab-"))
    made = Namespaces("lab")
    try:
        plan = topology(method)
        pids = _build(made, plan, place, start)
        _wait(made, plan.servers)
        left = {"namespaces": made.names, "processes": pids, "place": str(place)}
        STANDING.write_text(json.dumps(left), encoding="utf-8")
    except BaseException:
        made.close()
        raise
    made.leave()
    for line in _hints(made, method, place):
        say(line)


def lab_down(say: Say = lambda _line: None) -> None:
    """Remove what `lab_up` left; that nothing stands is no error."""
    _need()
    try:
        left = json.loads(STANDING.read_text(encoding="utf-8"))
    except FileNotFoundError:
        say("no lab is standing")
        return
    for pid, start in left["processes"]:
        if _runs(pid, start):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
    _gone(left["processes"])
    made = Namespaces("lab")
    made.adopt(left["namespaces"])
    made.close()
    for file in sorted(Path(left["place"]).glob("**/*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    Path(left["place"]).rmdir()
    STANDING.unlink()
    say("the lab is down")


def table(report: LabReport) -> list[str]:
    """The report as lines of a table."""
    lines = [f"{report.method.value}: {_explained(report.method)}"]
    if report.exchanges:
        rows = [("client asked", "answered by", "the server saw it come from", "to")]
        rows += [(one.asked, one.server, one.seen_from, one.seen_to) for one in report.exchanges]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines += [
            "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            for row in rows
        ]
    if report.transfer:
        lines.append(f"  {report.transfer}")
    lines.append(f"  FAILED: {report.failed}" if report.failed else "  ok")
    return [line.rstrip() for line in lines]


def _explained(method: Forward) -> str:
    return {
        Forward.NAT: "the director rewrites addresses both ways",
        Forward.DR: "the director hands the packet over unchanged; the server answers the client itself",
        Forward.TUN: "the director wraps the packet in IPIP; the server unwraps it and answers by itself",
    }[method]


def _need() -> None:
    missing = lacking()
    if missing:
        raise DirectorError(f"the lab cannot be built: {missing}")


def _try(made: Namespaces, method: Forward, place: Path, start: LabCommand) -> LabReport:
    """One method from the first namespace to the last answer; a failure is part of the report."""
    exchanges: list[LabExchange] = []
    try:
        plan = topology(method)
        _build(made, plan, place, start)
        _wait(made, plan.servers)
        exchanges += [_ask(made) for _ in range(REQUESTS)]
        return LabReport(method, tuple(exchanges), _download(made, place))
    except DirectorError as error:
        return LabReport(method, tuple(exchanges), failed=f"{error}{_last_words(place)}")


# --- building ---------------------------------------------------------------------------------


def _build(made: Namespaces, plan: Topology, place: Path, start: LabCommand) -> list[tuple[int, str]]:
    """Make every host and start its program; (pid, start time) of each process."""
    switch = made.add("lan")
    for network in plan.networks:
        made.run(switch, "ip", "link", "add", network, "type", "bridge")
        made.run(switch, "ip", "link", "set", network, "up")
    for host in plan.hosts:
        _add(made, switch, host)
    ini = examples() / f"lvs-{plan.method.value}.ini"
    middle = made.name(plan.director.role)
    started = [made.start(middle, *start(ini), log=place / "director.log", env=_env(place)).pid]
    for host in plan.servers:
        started += _start_server(made, host, place)
    return [(pid, _start_time(pid)) for pid in started]


def _add(made: Namespaces, switch: str, host: LabHost) -> None:
    name = made.add(host.role)
    for key, value in host.sysctls:
        made.run(name, "sysctl", "-qw", f"{key}={value}")
    for network, device, address in host.interfaces:
        port = f"{network[:5]}-{host.role[:8]}"
        made.link(switch, port, name, device)
        made.run(switch, "ip", "link", "set", port, "master", network)
        made.address(name, device, address)
    for address in host.loopback:
        made.address(name, "lo", address)
    for route in host.routes:
        made.run(name, "ip", "route", "add", *route)


def _start_server(made: Namespaces, host: LabHost, place: Path) -> Iterator[int]:
    name = made.name(host.role)
    programs: list[tuple[str, ...]] = [("director.demo.lab_server", host.role, str(host.port))]
    if host.tunnel:
        programs.append(("director.demo.decapsulate", host.interfaces[0][1]))
    for module, *arguments in programs:
        log = place / f"{host.role}.log"
        yield made.start(name, _PYTHON, "-P", "-m", module, *arguments, log=log, env=_env(place)).pid


def _env(place: Path) -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(_SOURCES), os.environ.get("PYTHONPATH", ""))))
    return {"PYTHONPATH": path, "LAB_STATE": str(place)}


def examples() -> Path:
    """The folder of the example inis: of the source tree, or of the installation."""
    for place in (
        _SOURCES / "etc" / "examples",
        Path(sys.prefix) / "share" / "director" / "etc" / "examples",
    ):
        if place.is_dir():
            return place
    raise DirectorError("the example inis are missing: run the lab from the source tree")


# --- traffic ------------------------------------------------------------------------------------


def _curl(made: Namespaces, *arguments: str) -> str:
    return made.run(made.name("client"), "curl", "-sS", "--fail", *arguments)


def _wait(made: Namespaces, servers: Iterable[LabHost]) -> None:
    """Until every server has answered.  Raises DirectorError when a program ended or the time is over."""
    deadline = time.monotonic() + PATIENCE
    missing = {server.role for server in servers}
    while missing:
        try:
            missing.discard(_ask(made).server)
        except DirectorError as error:
            if made.ended():
                raise DirectorError(f"a program of the lab ended at once: {made.ended()}") from error
            if time.monotonic() > deadline:
                raise DirectorError(f"no answer in {PATIENCE:.0f} s ({error})") from error
            time.sleep(0.2)
        if time.monotonic() > deadline:
            raise DirectorError(f"no answer from {', '.join(sorted(missing))} in {PATIENCE:.0f} s")


def _ask(made: Namespaces) -> LabExchange:
    seen = json.loads(_curl(made, "--max-time", "2", f"http://{VIRTUAL}:{PORT}/"))
    return LabExchange(f"{VIRTUAL}:{PORT}", seen["server"], seen["from"], seen["to"])


def _download(made: Namespaces, place: Path) -> str:
    """A large answer, compared by its hash."""
    target = place / "download"
    url = f"http://{VIRTUAL}:{PORT}/bytes/{BYTES}"
    took = float(_curl(made, "--max-time", "20", "-o", str(target), "-w", "%{time_total}", url))
    if hashlib.sha256(target.read_bytes()).digest() != hashlib.sha256(content(BYTES)).digest():
        raise DirectorError("a download of 8 MB arrived changed")
    return f"8 MB downloaded in {took:.2f} s, the same by SHA-256"


def _hints(made: Namespaces, method: Forward, place: Path) -> list[str]:
    enter = "ip netns exec"
    client, middle, server = made.name("client"), made.name("director"), made.name("a")
    command = sys.argv[0]
    return [
        f"The {method.value} lab stands. To try:",
        f"  {enter} {client} curl http://{VIRTUAL}:{PORT}/",
        f"  {enter} {middle} tcpdump -ni front0",
        f"  {enter} {middle} nft list ruleset",
        f"  {enter} {server} ip address",
        f"  less {place / 'director.log'}",
        f"  export DIRECTOR_SOCKET={place / 'control.sock'}",
        f"  {command} show connections",
        f"  {command} drain web/a",
        "director lab down takes it away.",
    ]


def _last_words(place: Path) -> str:
    with contextlib.suppress(OSError):
        lines = (place / "director.log").read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n    " + "\n    ".join(lines[-8:]) if lines else ""
    return ""


def _start_time(pid: int) -> str:
    """Field 22 of proc(5)'s stat: with the pid it names one process for good; empty when it is gone."""
    with contextlib.suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        return stat.rpartition(")")[2].split()[19]
    return ""


def _gone(processes: list[tuple[int, str]]) -> None:
    """Wait for what was asked to end; kill what does not."""
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and any(_runs(pid, start) for pid, start in processes):
        time.sleep(0.05)
    for pid, start in processes:
        if _runs(pid, start):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _runs(pid: int, start: str) -> bool:
    """True while that process runs; reaps it where it is a child of this one."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    return bool(start) and _start_time(pid) == start
