"""Faults and drills in the real program: what users meet, who is told, and the verdicts."""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from director.cli.client import ApiClient, Refused
from tests.integration.conftest import StartDirector
from tests.support import needs
from tests.support.client import fetch
from tests.support.origin import Origin
from tests.support.running import ROOT, Director, children, free_port, wait_until

pytestmark = [pytest.mark.integration, needs.director]

CHAOS = ROOT / "docs" / "examples" / "chaostoolkit"
CATALOGUE = sorted((ROOT / "etc" / "drills").glob("*.ini"))
GET = b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"
INI = """[director]
state_dir = {state}
access_log = off
drills = allowed
[admin]
listen = 127.0.0.1:{admin}
[l7:www]
listen = 127.0.0.1:{listen}
pool = web
[pool:web]
scheduler = rr
server.a = 127.0.0.1:PORT
timeout.response = 200ms
retry = off
[demo:a]
listen = 127.0.0.1:PORT
"""
VOID = 3
KINDS = {
    "refuse": 503,
    "reset": 502,
    "close": 502,
    "hang": 504,
    "status 418": 418,
    "garbage": 502,
    "delay 10ms": 200,
    "bandwidth 100k": 200,
}
"""What a client gets where no other server is tried and no page is configured."""


def command(*words: str) -> tuple[int, str]:
    """Run `director`; its exit code and what it printed."""
    words = (sys.executable, "-m", "director.cli.director", *words)
    found = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
    return found.returncode, found.stdout + found.stderr


def text(more: str = "") -> str:
    faults = "".join(f"[fault:{do}]\nserver = web/a\ndo = {do}\n" for do in KINDS)
    return INI.replace("PORT", str(free_port())) + faults + more


def client(director: Director) -> ApiClient:
    return ApiClient(director.state / "control.sock")


def status(director: Director) -> int:
    return fetch(director.place, GET, patience=20).status


def ready(director: Director) -> None:
    assert wait_until(lambda: status(director) == 200, 20), director.log


def test_each_fault_is_met_and_ends(start: StartDirector) -> None:
    director = start(text())
    ready(director)
    api = client(director)
    for do, expected in KINDS.items():
        api.post("faults", order={"name": do, "ttl": "60s"})
        assert status(director) == expected, do
        (running,) = [one for one in api.get("faults") if one["active"]]
        assert (running["name"], running["hits"] >= 1) == (do, True)
        api.delete("faults", do)
        assert status(director) == 200, do
    api.post("faults", order={"name": "refuse", "ttl": "300ms"})
    assert status(director) == 503
    assert wait_until(lambda: status(director) == 200, 10)
    (trace,) = [one for one in api.get("requests", query="limit=100") if one["status"] == 418]
    assert trace["injected"] == [["web/a", "status 418"]]
    assert "fault status 418 was injected on web/a" in trace["story"]
    events = " ".join(one["text"] for one in api.get("events"))
    assert "fault hang injected by" in events
    assert "its time is over" in events


def test_refused_where_drills_are_not_allowed(start: StartDirector) -> None:
    director = start(text().replace("drills = allowed\n", ""))
    ready(director)
    with pytest.raises(Refused, match="drills = allowed") as caught:
        client(director).post("faults", order={"name": "refuse"})
    assert caught.value.status == 403
    assert status(director) == 200


def test_every_worker_knows(start: StartDirector) -> None:
    director = start(text().replace("[director]\n", "[director]\nworkers = 2\n"))
    ready(director)
    api = client(director)
    assert wait_until(lambda: len(api.get("processes")) == 3, 40)
    api.post("faults", order={"name": "refuse"})
    assert {status(director) for _ in range(20)} == {503}
    assert wait_until(lambda: next(one["hits"] for one in api.get("faults") if one["active"]) >= 20)
    api.delete("faults", "refuse")
    assert {status(director) for _ in range(20)} == {200}


def test_what_runs_ends_by_itself_when_its_director_dies(start: StartDirector, origin: Origin) -> None:
    """The processes that serve go on, and each knows when a fault is over."""
    served = text().replace("[director]\n", "[director]\nworkers = 2\n")
    served = re.sub(r"server\.a = .*", f"server.a = {origin.address}", served)
    director = start(served)
    ready(director)
    api = client(director)
    assert wait_until(lambda: len(api.get("processes")) == 3, 40)
    workers = children(director.pid)
    api.post("faults", order={"name": "refuse", "ttl": "4s"})
    began = time.monotonic()
    director.signal(signal.SIGKILL)
    assert director.process is not None
    director.process.wait(10)
    try:
        seen = [status(director) for _ in range(10)]
        assert time.monotonic() - began > 4 or set(seen) == {503}
        assert wait_until(lambda: {status(director) for _ in range(8)} == {200}, 30)
        assert time.monotonic() - began > 3
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGTERM)


DRILLS = """
[drill:holds]
service = www
load = 20/s GET /
step 0s = baseline
step 300ms = start status 418
step 900ms = heal
step 1s = end
expect during = answered >= 99%, hits >= 1
[drill:breaks]
service = www
load = 20/s GET /
step 0s = baseline
step 300ms = start status 418
step 900ms = end
expect during = ok >= 99%
[drill:never fires]
service = www
load = 20/s GET /
step 0s = baseline
step 300ms = start for nobody
step 900ms = end
expect during = ok >= 1%
[fault:for nobody]
server = web/a
do = hang
when = header X-Nobody = yes
"""


def test_verdicts_by_command_on_a_running_director(start: StartDirector, tmp_path: Path) -> None:
    director = start(text(DRILLS))
    ready(director)
    socket = ("--socket", str(director.state / "control.sock"))
    sheets: dict[str, Any] = {}
    for name, code in (("holds", 0), ("breaks", 1), ("never fires", 3)):
        place = tmp_path / "sheet.json"
        found, said = command(*socket, "drill", "run", name, "--json", str(place))
        assert found == code, said
        sheets[name] = json.loads(place.read_text())
    assert [one["verdict"] for one in sheets.values()] == ["pass", "fail", "void"]
    (broken,) = sheets["breaks"]["expectations"]
    assert len(broken["requests"]) == 3
    assert all("web/a met the fault status 418" in one["story"] for one in broken["requests"])
    assert "fault for nobody never fired" in sheets["never fires"]["why"]
    assert not [one for one in client(director).get("faults") if one["active"]]
    assert status(director) == 200


@pytest.fixture
def driver() -> ModuleType:
    """The example for the Chaos Toolkit, as the toolkit imports it: by its name, from a folder."""
    spec = importlib.util.spec_from_file_location("director_chaos", CHAOS / "director_chaos.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_the_driver_for_the_chaos_toolkit(start: StartDirector, driver: ModuleType) -> None:
    director = start(text(DRILLS))
    ready(director)
    token = (director.state / "admin.token").read_text().strip()
    by_url = {
        "configuration": {"director_url": f"http://127.0.0.1:{director.admin}"},
        "secrets": {"token": token},
    }
    by_socket = {"configuration": {"director_socket": str(director.state / "control.sock")}}
    for how in (by_url, by_socket):
        assert driver.no_fault_runs(**how)
        assert driver.start_fault("hang", ttl="30s", seed=7, **how)["seed"] == 7
        assert status(director) == 504
        assert not driver.no_fault_runs(**how)
        assert driver.stop_fault("hang", **how)
        # A rollback of what has ended already is fine.
        assert driver.stop_fault("hang", **how)
        assert status(director) == 200
    with pytest.raises(RuntimeError, match=r"refused \(404\): No such fault"):
        driver.start_fault("nobody's", **by_socket)
    assert driver.run_drill("holds", seed=5, **by_url)["seed"] == 5
    assert driver.drill_verdict("holds", **by_socket) == "pass"
    assert driver.order_server("web", "a", "drain", **by_url)
    assert driver.servers_ready("web", **by_url) == 0
    assert driver.order_server("web", "a", "ready", **by_socket)
    assert driver.server_health("web", "a", **by_url) == "unchecked"


def test_the_experiment_calls_what_there_is(driver: ModuleType) -> None:
    """As the toolkit does: by name, with these arguments, and with configuration and secrets if taken."""
    experiment = json.loads((CHAOS / "experiment.json").read_text())
    steps = [
        *experiment["steady-state-hypothesis"]["probes"],
        *experiment["method"],
        *experiment["rollbacks"],
    ]
    providers = [one["provider"] for one in steps if one["provider"]["type"] == "python"]
    assert len(providers) == 4
    for one in providers:
        assert one["module"] == "director_chaos"
        inspect.signature(getattr(driver, one["func"])).bind(**one["arguments"])


def test_usage(tmp_path: Path) -> None:
    assert command("drill", "run", str(tmp_path / "none.ini"))[0] == 2
    assert command("--socket", str(tmp_path / "none.sock"), "drill", "run", "x")[0] == 2


def test_the_catalogue_passes_and_a_seed_hits_the_same_requests_again(tmp_path: Path) -> None:
    """Four at a time, each with a director of its own; one of them twice."""

    def rehearsed(path: Path) -> tuple[int, str, list[Any]]:
        place = tmp_path / f"{path.stem}.json"
        decisions = []
        for _ in range(2 if path.stem == "half-the-answers-fail" else 1):
            code, said = command("drill", "run", str(path), "--json", str(place))
            if code == VOID:
                # Nothing was shown, for the machine was busy with other things: that asks for another run.
                code, said = command("drill", "run", str(path), "--json", str(place))
            decisions.append(json.loads(place.read_text())["decisions"] if place.exists() else None)
        return code, said, decisions

    with ThreadPoolExecutor(4) as threads:
        found = dict(zip(CATALOGUE, threads.map(rehearsed, CATALOGUE), strict=True))
    assert len(found) >= 12
    assert not {path.stem: said for path, (code, said, _) in found.items() if code}
    first, again = found[ROOT / "etc" / "drills" / "half-the-answers-fail.ini"][2]
    assert first
    assert first == again
