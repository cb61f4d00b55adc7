"""A new program takes the running one's place while clients talk through both layers."""

from __future__ import annotations

import os
import signal

import pytest

from tests.integration.l4.bed import VIP, Bed, wait_for
from tests.integration.l4.test_processes import INI, Program


@pytest.mark.parametrize("workers", [2, 0])
def test_flows_go_on_in_the_new_program(bed: Bed, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tests.integration.l4.test_processes.INI", INI.replace("workers = 2", f"workers = {workers}")
    )
    program = Program(bed)
    program.both_serve("first")
    old = next(iter(program.pids().values()))
    told = program.order("upgrade")
    assert told["pid"] != old
    assert program.process.wait(30) == 0
    program.both_serve("the next one has the flows")
    assert program.said("1 flow(s) and 0 template(s) of the run before go on") == 1
    new = program.pids()
    assert next(iter(new.values())) == told["pid"]
    assert len(new) == (4 if workers else 1)
    assert program.api("connections")[0]["client"].startswith("10.0.0.2:")
    assert VIP in bed.addresses()
    program.talk.end()
    os.kill(told["pid"], signal.SIGTERM)
    wait_for(lambda: program.said(" stopped\n") == 2, 30)
    assert bed.tables() == ""
    assert VIP not in bed.addresses()
    assert "Traceback" not in program.log.read_text()
