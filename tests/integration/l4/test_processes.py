"""Both layers in processes of their own: each is killed and frozen while clients of both talk on."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from director.cli.client import ApiClient
from director.demo.lab import twistd
from tests.integration.l4.bed import REAL, SOURCES, VIP, Bed, Process, wait_for
from tests.integration.l4.test_host import Talk

INI = """
[director]
name = edge-1
state_dir = state
workers = 2
shutdown_grace = 1s
access_log = off

[pool:echo]
server.a = {real}:7007

[l4]
interfaces = d0, d1
sloppy_tcp = 1

[l4:echo]
virtual = tcp {virtual}:7007
pool = echo
forward = nat

[pool:web]
server.red = {real}:8080

[l7:www]
listen = 10.0.0.1:8000
pool = web
"""
ALL = ["control", "worker 1", "worker 2", "layer 4"]


class Program:
    """The director, a connection through layer 4, and one whose requests go through layer 7."""

    def __init__(self, bed: Bed) -> None:
        self.bed, self.ini = bed, bed.place / "director.ini"
        self.ini.write_text(INI.format(virtual=VIP, real=REAL))
        self.log = bed.place / "log"
        bed.serve(text="red")
        self.start()
        self.talk = Talk(bed, VIP)

    def start(self) -> None:
        env = {"PYTHONPATH": str(SOURCES)}
        ready = self.said("is ready")
        self.process: Process = self.bed.net.start(
            self.bed.director, *twistd(self.ini), log=self.log, env=env
        )
        wait_for(lambda: self.said("is ready") > ready, 60)

    def said(self, text: str) -> int:
        return self.log.read_text().count(text) if self.log.exists() else 0

    def api(self, *path: str) -> Any:
        return ApiClient(self.bed.place / "state" / "control.sock").get(*path)

    def order(self, *path: str) -> Any:
        return ApiClient(self.bed.place / "state" / "control.sock").post(*path, patience=90.0)

    def pids(self) -> dict[str, int]:
        return {one["name"]: one["pid"] for one in self.api("processes") if one["serving"]}

    def both_serve(self, word: str) -> None:
        assert self.talk.say(word) == word
        assert "red" in (self.bed.get("http://10.0.0.1:8000/", seconds=20) or "")

    def replaced(self, name: str, pid: int) -> None:
        wait_for(lambda: self.pids().get(name, pid) != pid, 60)


def test_whichever_dies_or_hangs_the_others_serve_and_it_is_replaced(bed: Bed) -> None:
    program = Program(bed)
    assert list(program.pids()) == ALL
    program.both_serve("first")
    layer4 = program.pids()["layer 4"]
    os.kill(layer4, signal.SIGKILL)
    program.both_serve("known again")
    program.replaced("layer 4", layer4)
    assert program.said(f"layer 4 (process {layer4}) ended by SIGKILL") == 1
    layer4 = program.pids()["layer 4"]
    os.kill(layer4, signal.SIGSTOP)
    assert "red" in (bed.get("http://10.0.0.1:8000/", seconds=20) or ""), "layer 7 does not notice"
    program.replaced("layer 4", layer4)
    program.both_serve("killed when it did not answer")
    assert program.said("layer 4 has not answered for 3s and is killed") == 1
    worker = program.pids()["worker 1"]
    os.kill(worker, signal.SIGKILL)
    program.both_serve("a worker is none of layer 4's")
    program.replaced("worker 1", worker)
    left = program.pids()
    program.process.kill()
    program.process.wait()
    program.both_serve("nobody controls")
    program.start()
    program.both_serve("the next one adopts them")
    assert {**program.pids(), "control": 0} == {**left, "control": 0}
    program.process.kill()
    program.process.wait()
    program.ini.write_text(program.ini.read_text().replace("sloppy_tcp", "max_flows = 70000\nsloppy_tcp"))
    program.start()
    program.both_serve("layer 4 is replaced, and the next one has the flows")
    assert program.said("layer 4 of an earlier run is replaced, not adopted: [l4] interfaces, engine") == 1
    assert program.said("1 flow(s) and 0 template(s) of the run before go on") == 1
    assert program.pids()["worker 2"] == left["worker 2"]
    wait_for(lambda: not Path(f"/proc/{left['layer 4']}/fd").exists(), 30)
    assert program.api("connections")[0]["client"].startswith("10.0.0.2:")
    program.talk.end()
    program.process.terminate()
    assert program.process.wait(30) == 0
    assert bed.tables() == ""
    assert VIP not in bed.addresses()
    assert "Traceback" not in program.log.read_text()
