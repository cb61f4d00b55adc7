"""The whole program stopped and started again while clients talk through it."""

from __future__ import annotations

import os

import pytest

from director.demo.lab import twistd
from director.l4.io.flowfile import FLOW_FILE
from tests.integration.l4.bed import REAL, REAL6, SOURCES, VIP, VIP6, Bed, Process, wait_for
from tests.integration.l4.test_host import Talk

INI = """
[director]
name = edge-1
state_dir = state
workers = {workers}
shutdown_grace = 1s

[pool:web]
scheduler = rr
server.a = {real}:7007

[l4]
interfaces = d0, d1

[l4:web]
virtual = tcp {virtual}:7007
pool = web
forward = nat
{more}
"""


class Program:
    def __init__(self, bed: Bed, virtual: str, real: str, more: str = "", workers: str = "auto") -> None:
        self.bed, self.virtual = bed, virtual
        self.ini = bed.place / "director.ini"
        self.ini.write_text(INI.format(virtual=virtual, real=real, more=more, workers=workers))
        self.log = bed.place / "log"
        self.starts = 0

    def start(self) -> Process:
        env = {"PYTHONPATH": str(SOURCES)}
        process = self.bed.net.start(self.bed.director, *twistd(self.ini), log=self.log, env=env)
        self.starts += 1
        wait_for(lambda: self.log.exists() and self.log.read_text().count("is ready") >= 1, 60)
        return process

    def stop(self, process: Process) -> None:
        process.terminate()
        assert process.wait(30) == 0
        assert self.bed.tables() == ""
        assert self.virtual.strip("[]") not in self.bed.net.run(self.bed.director, "ip", "address")


@pytest.mark.parametrize(
    ("virtual", "real", "workers"),
    [(VIP, REAL, "auto"), (f"[{VIP6}]", f"[{REAL6}]", "0")],
    ids=["ipv4, apart", "ipv6, in one process"],
)
def test_a_connection_by_nat_survives_a_restart(bed: Bed, virtual: str, real: str, workers: str) -> None:
    program = Program(bed, virtual, real, "persistent = 300s", workers)
    process = program.start()
    talk = Talk(bed, virtual.strip("[]"))
    assert talk.say("before") == "before"
    program.stop(process)
    kept = bed.place / "state" / FLOW_FILE
    assert kept.stat().st_mode & 0o777 == 0o600
    program.log.unlink()
    process = program.start()
    assert "1 flow(s) and 1 template(s) of the run before go on" in program.log.read_text()
    assert not kept.exists()
    assert talk.say("after") == "after"
    talk.end()
    program.stop(process)


def test_a_file_that_is_none_of_ours_costs_nothing(bed: Bed) -> None:
    program = Program(bed, VIP, REAL)
    state = bed.place / "state"
    state.mkdir()
    (state / FLOW_FILE).write_bytes(os.urandom(100_000))
    process = program.start()
    talk = Talk(bed, VIP)
    assert talk.say("hello") == "hello"
    talk.end()
    program.stop(process)
