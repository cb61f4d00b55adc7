"""A configuration to be simulated, and what tests need of its runs."""

from __future__ import annotations

from pathlib import Path

from director.program.simulation.fuzzing import Fuzzer
from director.program.simulation.promises import Judge
from director.program.simulation.run import Run
from director.program.simulation.schedule import ClientPlan, PlannedAsk, Schedule

TEXT = """[director]
drills = allowed
[l7:www]
listen = 127.0.0.1:8080
pool = web
fault = page sorry
timeout.keepalive = 2s
[rule:10 small]
service = www
when = path ^= /small/
pool = small
[rule:20 gone]
service = www
when = path = /gone
respond = 410 gone
[pool:web]
scheduler = rr
server.a = 127.0.0.1:9001
server.b = 127.0.0.1:9002
server.c = 127.0.0.1:9003
check = alive
retry = connect, empty; tries 2
timeout.response = 3s
timeout.connect = 1s
[pool:small]
server.a = 127.0.0.1:9011 max=1
server.b = 127.0.0.1:9012 max=2
queue = 5 for 2s
timeout.response = 3s
timeout.connect = 1s
[check:alive]
http = GET /healthz
every = 1s
timeout = 500ms
[page:sorry]
file = sorry.html
status = 503
[fault:a hangs]
server = web/a
do = hang
ttl = 1s
"""


def written(folder: Path, text: str = TEXT) -> str:
    """An ini of that text, with its page."""
    path = folder / "simulated.ini"
    path.write_text(text)
    (folder / "sorry.html").write_text("sorry\n")
    return str(path)


def fuzzer(folder: Path, text: str = TEXT) -> Fuzzer:
    """One for an ini of that text."""
    return Fuzzer(written(folder, text))


def asking(*asks: PlannedAsk, number: int = 0, at: float = 0.0, **how: object) -> ClientPlan:
    """A client of the service."""
    return ClientPlan(number, at, "www", asks, **how)  # type: ignore[arg-type]


def get(target: str = "/", **how: object) -> PlannedAsk:
    """A plain request."""
    return PlannedAsk("GET", "www.example.org", target, **how)  # type: ignore[arg-type]


def post(upload: int, **how: object) -> PlannedAsk:
    """One that must not be sent twice."""
    return PlannedAsk("POST", "www.example.org", "/", upload=upload, **how)  # type: ignore[arg-type]


def played(one: Fuzzer, schedule: Schedule) -> tuple[Run, Judge]:
    """A run, played, and who judges it."""
    run = one.run(schedule)
    run.play()
    return run, one.judge(run)
