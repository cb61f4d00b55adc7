"""Layer 4 in a process of its own: what it serves, counts and lacks is known where it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from twisted.internet.defer import succeed

from director.errors import ChangeRefused
from director.l4.io.flowfile import FLOW_FILE
from director.model.drills import Fault, FaultAction, RunningFault
from director.program.layer4 import Layer4
from director.program.processes import layer4_apart, layer4_program
from director.program.processes.layer4_apart import ABSENT
from director.registry.reports import ConnectionPage, ConnectionQuery
from tests.support.crews import NOTHING, Crews, crews
from tests.support.layer4_shell import Shell
from tests.support.layer4_world import CLIENT, CLIENT_MAC, OUTER_MAC, OUTSIDE, VIP
from tests.support.origin import Origin
from tests.support.said import said

INI = f"""
[pool:far]
scheduler = rr
server.r = 10.0.0.11:8080 max=2
[l4:s]
virtual = tcp {VIP}:80
pool = far
"""


class Ready(Shell):
    """The kernel does what it is asked for at once."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.leave = named["leave"]
        self.installed = succeed(None)

    def stopService(self) -> Any:
        self.leave()
        return super().stopService()

    def hand_over(self) -> Any:
        self.leave()
        return super().hand_over()


READY: Any = Ready


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as found:
        yield found


@pytest.fixture
def cleared(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    told: list[Any] = []
    monkeypatch.setattr(layer4_program, "Layer4", partial(Layer4, shell=READY))
    monkeypatch.setattr(layer4_apart, "clear", lambda name, _dir: told.append(name))
    return told


@pytest.fixture
def program(
    tmp_path: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch, cleared: list[Any]
) -> Iterator[Crews]:
    with crews(tmp_path, origin.port, monkeypatch, listen=NOTHING, more=INI) as made:
        yield made


def inside(program: Crews) -> Any:
    """Layer 4 in its process."""
    return program.one(0, program.layer4).program._layer4


def syn(program: Crews, port: int) -> None:
    """A client's first packet."""
    packet = IP(src=CLIENT, dst=VIP) / TCP(sport=port, dport=80, flags="S")
    frame = bytearray(bytes(Ether(src=CLIENT_MAC, dst=OUTER_MAC) / packet))
    inside(program).forwarder.receive(frame, OUTSIDE, program.loop.reactor.seconds())


def refresh(program: Crews) -> None:
    program.outcome(program.workers.refreshed())


def test_it_alone_runs_where_there_is_no_layer_7(program: Crews) -> None:
    assert program.workers.there == []
    assert program.layer4.reasons() == ()
    [listener] = program.layer4.listeners()
    assert (listener.service, listener.address, listener.bound) == ("l4:s", f"tcp {VIP}:80", True)
    refresh(program)
    assert [(one.name, one.serving) for one in program.workers.processes()] == [("layer 4", True)]


def test_flows_figures_and_claims_are_known_to_all(program: Crews) -> None:
    for port in (1001, 1002, 1003):
        syn(program, port)
    server = program.current.registry.pools["far"].by_name["r"]
    assert (server.load, server.overloaded) == (2, True), "max is that of all processes"
    refresh(program)
    figures = program.layer4.figures()
    assert figures is not None
    assert (figures.flows, figures.total.shown[:2]) == (2, (2, 2))
    assert program.current.registry.services["l4:s"].stats.shown()[0] == 2
    network = ip_network(f"{CLIENT}/32")
    asked: Any = program.layer4.connections(ConnectionQuery(1, client=network, service="s"))
    page = program.outcome(asked)
    assert (page.entries[0].client, page.entries[0].server, page.more) == (f"{CLIENT}:1002", "r", 2)
    program.layer4.zero()
    figures = program.layer4.figures()
    assert figures is not None
    assert (figures.total.shown, figures.total.totals[0]) == ((0, 0, 0, 0, 0), 2)


def test_a_crash_costs_its_flows_and_counts_go_on(program: Crews) -> None:
    syn(program, 1001)
    refresh(program)
    dead = program.one(0, program.layer4)
    with said() as lines:
        dead.end("by SIGKILL")
        assert program.layer4.reasons() == (ABSENT,)
        assert [one.bound for one in program.layer4.listeners()] == [False]
        program.loop.turn(lambda: program.layer4.there and program.layer4.there[0].begun)
    assert "layer 4 (process 4242) ended by SIGKILL" in lines[0]
    assert program.current.registry.pools["far"].by_name["r"].load == 0
    assert program.layer4.reasons() == ()
    syn(program, 1001)
    refresh(program)
    figures = program.layer4.figures()
    assert figures is not None
    assert (figures.total.totals[0], figures.flows) == (2, 1)


def test_what_goes_wrong_is_told_when_it_begins(program: Crews) -> None:
    inside(program).shell.troubles["route 10.0.0.11"] = "no route to server 10.0.0.11"
    program.loop.turn(program.layer4.reasons)
    assert program.layer4.reasons() == ("no route to server 10.0.0.11",)
    assert list(program.layer4.reasons_since()) == ["no route to server 10.0.0.11"]
    inside(program).shell.troubles.over("route 10.0.0.11")
    program.loop.turn(lambda: not program.layer4.reasons())


def test_verdicts_and_changes_reach_it(program: Crews) -> None:
    program.layer4.verdict("10.0.0.11:8080", "alive", False)
    registry = inside(program)._registry
    program.loop.turn(registry.verdicts)
    assert registry.verdicts() == [("10.0.0.11:8080", "alive", False)]
    program.write(NOTHING, INI.replace("max=2", "max=7"))
    assert program.reload() is None
    assert registry.pools["far"].by_name["r"].max == 7
    program.write(NOTHING, INI + "[l4]\nmax_flows = 100000\n")
    refused = program.reload()
    assert refused.check(ChangeRefused)
    assert "[l4] interfaces, engine, conn_tab_bits and max_flows are read when" in refused.getErrorMessage()


def test_it_begins_with_the_first_service(
    tmp_path: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch, cleared: list[Any]
) -> None:
    with crews(tmp_path, origin.port, monkeypatch) as program:
        assert program.layer4.there == []
        assert cleared == ["director"], "what an earlier run left is put right all the same"
        assert program.layer4.connections(ConnectionQuery(1)) == ConnectionPage()
        assert program.layer4.figures() is None
        program.write(more=INI)
        assert program.reload() is None
        assert [one.bound for one in program.layer4.listeners()] == [True]


def test_the_flows_outlive_it_when_it_is_stopped(program: Crews) -> None:
    syn(program, 1001)
    program.stop()
    assert (program.path.parent / "var" / FLOW_FILE).exists()


def test_another_program_takes_the_flows_up_or_this_one_does_again(program: Crews) -> None:
    syn(program, 1001)
    first = program.one(0, program.layer4)
    gone: list[None] = []
    program.layer4.let_go().addCallback(gone.append)
    program.loop.turn(lambda: first.program.reactor.stopped)
    assert (program.path.parent / "var" / FLOW_FILE).exists()
    first.end("by itself")
    assert gone == [None]
    assert program.layer4.there == [], "nobody takes its place here"
    program.layer4.go_on()
    program.loop.turn(lambda: program.layer4.there and program.layer4.there[0].begun)
    assert len(inside(program).forwarder.table) == 1


def test_a_fault_reaches_it_and_its_hits_come_back(program: Crews) -> None:
    fault = Fault("x", (("far", ""),), FaultAction("drop", "drop"))
    now = program.loop.reactor.seconds()
    running = RunningFault(fault, 7, now, now + 60.0)
    program.outcome(program.layer4.inject([running]))
    syn(program, 1001)
    assert inside(program).forwarder.counters["injected_drop"] == 1
    refresh(program)
    assert program.layer4.said("faults") == [{"x": [1, 1, 0, 1]}]
    program.outcome(program.layer4.heal(["x"]))
    syn(program, 1001)
    assert inside(program).forwarder.counters["injected_drop"] == 1


def test_one_that_begins_is_told_what_runs(program: Crews) -> None:
    fault = Fault("x", (("far", "r"),), FaultAction("rst", "rst"))
    now = program.loop.reactor.seconds()
    program.layer4.learn_from(lambda: [RunningFault(fault, 7, now, now + 60.0)])
    program.one(0, program.layer4).end("by SIGKILL")
    program.loop.turn(lambda: program.layer4.there and program.layer4.there[0].begun)
    syn(program, 1001)
    refresh(program)
    assert program.layer4.said("faults") == [{"x": [1, 1, 0, 1]}]
