from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from attrs import evolve
from twisted.internet import error
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from director.config.parse.faults import action
from director.fault.injections import Injections
from director.health.io.service import GONE, QUIET_SECONDS, HealthService
from director.health.schedule import JITTER
from director.model.drills import Fault, RunningFault
from director.model.pools import Address, Advice, Check, Pool, Server, State, passive
from director.model.settings import Configuration
from director.registry.changes import Ordered, ServerAdded, ServerRemoved, plan
from director.registry.registry import RealServer
from tests.support.registries import live, registry_of, server, turn

CHECK = Check("alive", every=2.0, timeout=1.0, rise=2, fall=3)
WEB = Pool("web", (server("a", 1), server("b", 2)), checks=("alive",))
API = Pool("api", (server("x", 1),), checks=("alive",))
CONFIGURATION = Configuration(pools=(WEB, API), checks=(CHECK,))


class World:
    """A health service in a reactor of memory, in front of servers that answer or refuse."""

    def __init__(self, configuration: Configuration = CONFIGURATION) -> None:
        self.registry = registry_of(configuration=configuration)
        self.reactor: Any = MemoryReactorClock()
        self.told: list[tuple[RealServer, ...]] = []
        self.down: set[str] = set()
        self.asked: list[str] = []
        self.service = HealthService(
            self.registry, self.reactor, self.reactor.seconds, self.told.append, Random(3)
        )
        self.service.startService()

    def run(self, seconds: float) -> None:
        """Let time pass in small steps; each connect is answered at once."""
        for _ in range(round(seconds * 20)):
            self.reactor.advance(0.05)
            clients, self.reactor.tcpClients[:] = list(self.reactor.tcpClients), []
            for host, _port, factory, *_rest in clients:
                self.asked.append(host)
                if host in self.down:
                    factory.clientConnectionFailed(None, Failure(error.ConnectionRefusedError()))
                else:
                    protocol = factory.buildProtocol(None)
                    protocol.makeConnection(StringTransport())
                    protocol.connectionLost(Failure(error.ConnectionDone()))

    def turn(self, configuration: Configuration) -> None:
        turn(self.registry, configuration, self.reactor.seconds())
        self.service.reload(configuration)


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What the service logs, as text."""
    found: list[str] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        found.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    yield found
    globalLogPublisher.removeObserver(observe)


def test_the_first_result_decides_for_all_pools() -> None:
    world = World()
    world.down.add("10.0.0.1")
    world.run(1.1)
    assert sorted(world.asked) == ["10.0.0.1", "10.0.0.2"]
    assert not live(world.registry, "web", "a").available
    assert not live(world.registry, "api", "x").available
    assert live(world.registry, "web", "b").available
    assert world.told == [(live(world.registry, "web", "a"), live(world.registry, "api", "x"))]


def test_down_after_fall_and_up_after_rise() -> None:
    """Within interval x fall (rise) and a second: the row `Health checks` of the hardening table."""
    world = World()
    world.run(2.0)
    world.down.add("10.0.0.1")
    world.run(2.0)
    assert live(world.registry, "web", "a").available
    world.run(2.0 * 2 + 1.0)
    assert not live(world.registry, "web", "a").available
    world.down.clear()
    world.run(2.0 * 2 + 1.0)
    assert live(world.registry, "web", "a").available


def test_an_outage_is_known_soon_although_probes_are_seldom() -> None:
    check = evolve(CHECK, every=60.0, changing=0.2)
    world = World(evolve(CONFIGURATION, checks=(check,)))
    world.run(1.5)
    world.down.add("10.0.0.1")
    world.service.probe_now("10.0.0.1:80", "alive")
    world.run(0.1)
    assert live(world.registry, "web", "a").available
    # Two more of 200 ms make `fall = 3`.
    world.run(0.6)
    assert not live(world.registry, "web", "a").available
    world.down.clear()
    world.service.probe_now("10.0.0.1:80", "alive")
    world.run(0.5)
    assert live(world.registry, "web", "a").available


def test_a_new_server_may_count_as_down_until_it_has_proved_itself() -> None:
    check = evolve(CHECK, first=False)
    world = World(evolve(CONFIGURATION, checks=(check,)))
    assert not live(world.registry, "web", "a").available
    world.run(1.1)
    assert not live(world.registry, "web", "a").available
    world.run(2.2)
    assert live(world.registry, "web", "a").available
    # Another check is not another server: what is known stands.
    world.turn(evolve(CONFIGURATION, checks=(evolve(check, every=1.0),)))
    assert live(world.registry, "web", "a").available


def test_one_line_tells_what_happened(lines: list[str]) -> None:
    world = World(evolve(CONFIGURATION, pools=(WEB,)))
    world.run(4.0)
    lines.clear()
    world.down.add("10.0.0.1")
    world.run(8.0)
    [line] = lines
    start = "pool web server a is down: connect refused (3 of 3), was up for "
    assert line.startswith(start)
    assert line.endswith("s, next check in 2s")


def test_a_check_of_a_server_that_is_out_already_is_said_too(lines: list[str]) -> None:
    """Who reads the log after an ejection must see that it was not the traffic alone."""
    world = World(evolve(CONFIGURATION, pools=(WEB,)))
    world.run(4.0)
    world.registry.set_health("10.0.0.1:80", passive("web"), False, world.reactor.seconds())
    lines.clear()
    world.down.add("10.0.0.1")
    world.run(8.0)
    world.down.clear()
    world.run(8.0)
    down, up = lines
    end = "; something else decides for now, see director show checks web/a"
    assert down == f"pool web server a: check alive is down: connect refused (3 of 3){end}"
    assert up == f"pool web server a: check alive is up: connected (2 of 2){end}"


def test_there_is_one_timer_and_none_after_the_end() -> None:
    world = World()
    for _ in range(40):
        world.run(0.25)
        assert len(world.reactor.getDelayedCalls()) == 1
    world.service.stopService()
    assert world.reactor.getDelayedCalls() == []


def test_stop_ends_probes_under_way() -> None:
    world = World()
    world.reactor.advance(1.1)
    assert len(world.reactor.tcpClients) == 2
    world.service.stopService()
    assert world.reactor.getDelayedCalls() == []
    assert world.service.snapshot()[0].results == ()


def test_a_reload_keeps_the_evidence_of_what_did_not_change() -> None:
    world = World()
    world.down.add("10.0.0.1")
    world.run(3.0)
    before = world.service.snapshot()[0]
    world.turn(evolve(CONFIGURATION, pools=(evolve(WEB, servers=(*WEB.servers, server("c", 3))), API)))
    after = world.service.snapshot()
    assert after[0].results == before.results
    assert not live(world.registry, "web", "a").available
    assert [one.address for one in after] == ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"]
    assert after[2].results == ()


def test_another_question_begins_anew_but_its_verdict_and_history_stand() -> None:
    world = World()
    world.down.add("10.0.0.1")
    world.run(3.0)
    world.turn(evolve(CONFIGURATION, checks=(evolve(CHECK, port=81),)))
    assert (world.service.snapshot()[0].alive, len(world.service.snapshot()[0].transitions)) == (None, 1)
    assert not live(world.registry, "web", "a").available
    world.down.clear()
    world.run(1.2)
    assert live(world.registry, "web", "a").available


def test_other_settings_judge_on() -> None:
    world = World()
    world.down.add("10.0.0.1")
    world.run(3.0)
    world.turn(evolve(CONFIGURATION, checks=(evolve(CHECK, every=5.0, rise=3),)))
    shown = world.service.snapshot()[0]
    assert (shown.alive, shown.needed) == (False, 3)
    world.down.clear()
    world.run(1.2)
    assert not live(world.registry, "web", "a").available


def test_a_server_that_is_back_soon_is_what_it_was_and_later_it_is_new() -> None:
    world = World()
    world.down.add("10.0.0.1")
    world.run(3.0)
    gone = evolve(CONFIGURATION, pools=(evolve(WEB, servers=WEB.servers[1:]),))
    world.turn(gone)
    world.run(1.0)
    world.turn(CONFIGURATION)
    assert not live(world.registry, "web", "a").available
    assert len(world.service.evidence("10.0.0.1:80", ["alive"])[0].transitions) == 1
    world.turn(gone)
    world.reactor.advance(GONE + 1.0)
    world.turn(CONFIGURATION)
    assert live(world.registry, "web", "a").available
    assert len(world.service.evidence("10.0.0.1:80", ["alive"])[0].transitions) == 1


def test_a_check_that_goes_takes_its_verdict_along() -> None:
    world = World()
    world.down.add("10.0.0.1")
    world.run(3.0)
    world.turn(evolve(CONFIGURATION, pools=(evolve(WEB, checks=()), evolve(API, checks=()))))
    assert live(world.registry, "web", "a").available
    world.asked.clear()
    world.run(5.0)
    assert world.asked == []
    assert world.reactor.getDelayedCalls() == []


def test_a_server_that_leaves_and_comes_back_in_one_change_is_still_down() -> None:
    world = World()
    world.down.add("10.0.0.2")
    world.run(3.0)
    changes = [ServerRemoved("web", "b"), ServerAdded("web", server("renamed", 2))]
    world.registry.apply(changes, "test", world.reactor.seconds(), 0.0)
    world.service.reload(world.registry.configuration)
    assert not live(world.registry, "web", "renamed").available
    assert world.told[-1] == (live(world.registry, "web", "renamed"),)


def test_maintenance_stops_the_checks() -> None:
    world = World(evolve(CONFIGURATION, pools=(WEB,)))
    world.run(2.0)
    for state, expected in ((State.MAINT, {"10.0.0.2"}), (State.READY, {"10.0.0.1", "10.0.0.2"})):
        world.registry.apply([Ordered("web", "a", state)], "test", 0.0, 0.0)
        world.asked.clear()
        world.run(5.0)
        assert {*world.asked} == expected


def test_a_success_marks_the_server_reachable() -> None:
    """A.7 [REC], K26: set on success."""
    world = World()
    live(world.registry, "web", "b").reachable = False
    world.run(1.1)
    assert live(world.registry, "web", "b").reachable


def test_lack_of_descriptors_is_not_the_servers_fault(lines: list[str]) -> None:
    world = World()
    world.run(1.1)
    world.reactor.advance(2.2)
    for _host, _port, factory, *_rest in world.reactor.tcpClients:
        factory.clientConnectionFailed(None, Failure(error.ConnectBindError(24)))
    assert world.service.unjudged == 2
    assert live(world.registry, "web", "a").available
    assert "raise the limits" in lines[-1]


def test_lack_of_descriptors_is_said_once_and_once_when_it_is_over(lines: list[str]) -> None:
    world = World()
    world.run(1.1)
    lines.clear()
    for _ in range(3):
        world.reactor.advance(2.2)
        for _host, _port, factory, *_rest in world.reactor.tcpClients:
            factory.clientConnectionFailed(None, Failure(error.ConnectBindError(24)))
        world.reactor.tcpClients[:] = []
    assert len(lines) == 1
    unprobed = world.service.unjudged
    world.run(QUIET_SECONDS + 3.0)
    assert lines[1:] == [f"checks are made again; {unprobed} could not be made"]


def test_a_check_can_be_run_now() -> None:
    world = World()
    world.run(2.0)
    world.asked.clear()
    assert world.service.probe_now("10.0.0.1:80", "alive")
    world.run(0.05)
    assert world.asked == ["10.0.0.1"]
    assert not world.service.probe_now("10.9.9.9:80", "alive")


def test_a_server_removed_while_it_is_probed() -> None:
    world = World()
    world.reactor.advance(1.1)
    world.turn(Configuration())
    world.reactor.tcpClients.clear()
    world.run(3.0)
    assert world.service.snapshot() == ()
    assert plan(world.registry.configuration, Configuration()) == ()
    assert world.reactor.getDelayedCalls() == []


def test_the_snapshot_says_when_the_next_probe_comes() -> None:
    world = World()
    world.run(1.1)
    shown = world.service.snapshot()[0]
    assert shown.alive is True
    assert shown.results[0].reason == "connected"
    assert shown.next_in is not None
    assert 0.0 <= shown.next_in <= 2.1


def test_two_hundred_hanging_servers_do_not_delay_another() -> None:
    """All probes of a storm fit the slots: the live one is probed in its own rhythm."""
    servers = tuple(server(f"s{last}", last) for last in range(1, 201))
    check = evolve(CHECK, every=1.0)
    world = World(Configuration(pools=(Pool("web", servers, checks=("alive",)),), checks=(check,)))
    world.reactor.advance(1.0)
    world.reactor.advance(5.0)
    assert world.service.plan.late == 0


class Agents(World):
    """The same, in front of agents who each say a line."""

    def __init__(self) -> None:
        self.line = b"up\n"
        super().__init__(evolve(CONFIGURATION, checks=(Check("alive", "agent", rise=1, fall=1),)))

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 20)):
            self.reactor.advance(0.05)
            clients, self.reactor.tcpClients[:] = list(self.reactor.tcpClients), []
            for host, _port, factory, *_rest in clients:
                if host in self.down:
                    factory.clientConnectionFailed(None, Failure(error.ConnectionRefusedError()))
                    continue
                protocol = factory.buildProtocol(None)
                protocol.makeConnection(StringTransport())
                protocol.dataReceived(self.line)
                protocol.connectionLost(Failure(error.ConnectionDone()))


def test_an_agent_says_what_its_server_takes(lines: list[str]) -> None:
    world = Agents()
    world.run(1.1)
    a = live(world.registry, "web", "a")
    assert (a.available, a.weight) == (True, 1)
    world.line = b"drain 50%\n"
    world.run(2.2)
    assert (a.available, a.eligible, a.advice) == (True, False, Advice(50, State.DRAIN))
    assert "pool web server a: its agent (alive) wants 50% drain; it says drain 50%" in lines
    world.line = b"down # no disk\n"
    world.run(2.2)
    assert not a.available
    # It says no more of life and death: that stands, as with HAProxy.
    world.line = b"ready 100%\n"
    world.run(2.2)
    assert (a.available, a.advice) == (False, Advice(100, State.READY))
    world.line = b"up\n"
    world.run(2.2)
    assert a.eligible


@pytest.mark.parametrize("line", [b"", b"sideways\n", b"up down\n", b"x" * 5000])
def test_an_agent_that_says_nonsense_or_nothing_changes_nothing(line: bytes) -> None:
    world = Agents()
    world.line = b"drain 50% up\n"
    world.run(1.1)
    world.line = line
    world.run(6.0)
    a = live(world.registry, "web", "a")
    assert (a.available, a.advice) == (True, Advice(50, State.DRAIN))
    world.down.add("10.0.0.1")
    world.run(6.0)
    assert (a.available, a.advice) == (True, Advice(50, State.DRAIN))


class Answers(World):
    """The same, in front of HTTP servers that are well, frozen, or ill in some other way."""

    def __init__(self, check: Check) -> None:
        self.ill = ""
        self.changed: list[tuple[float, bool]] = []
        super().__init__(evolve(CONFIGURATION, pools=(WEB,), checks=(check,)))

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 20)):
            self.reactor.advance(0.05)
            clients, self.reactor.tcpClients[:] = list(self.reactor.tcpClients), []
            for host, _port, factory, *_rest in clients:
                self.answer(factory, self.ill if host == "10.0.0.1" else "")
            available = live(self.registry, "web", "a").available
            if not self.changed or self.changed[-1][1] is not available:
                self.changed.append((self.reactor.seconds(), available))

    def answer(self, factory: Any, ill: str) -> None:
        if ill == "refuses":
            factory.clientConnectionFailed(None, Failure(error.ConnectionRefusedError()))
        elif ill != "is firewalled":
            protocol = factory.buildProtocol(None)
            transport = StringTransport()
            transport.abortConnection = transport.loseConnection  # type: ignore[method-assign]
            protocol.makeConnection(transport)
            said = {
                "": b"HTTP/1.1 200 OK\r\n\r\n",
                "is wrong": b"HTTP/1.1 500 No\r\n\r\n",
                "babbles": b"hello\r\n",
            }
            protocol.dataReceived(said.get(ill, b""))
            if ill not in {"is frozen", "is half there"}:
                protocol.connectionLost(Failure(error.ConnectionDone()))


@pytest.mark.parametrize(
    "ill", ["refuses", "is firewalled", "is frozen", "is wrong", "babbles", "closes", "is half there"]
)
@pytest.mark.parametrize(("every", "changing"), [(2.0, 0.0), (10.0, 0.5)])
def test_an_outage_and_its_end_are_seen_in_time(ill: str, every: float, changing: float) -> None:
    """`fall` probes, the first within `every`, the others `every.changing` apart or as long as one lasts."""
    check = Check("alive", "http", every=every, changing=changing, timeout=1.0, rise=2, fall=3)
    world = Answers(check)
    world.run(every + 1.0)
    assert [alive for _, alive in world.changed] == [True]
    fell = world.reactor.seconds()
    world.ill = ill
    world.run(every * 4 + 3.0)
    again = max(changing or every, 1.0)
    assert world.changed[-1][1] is False
    assert world.changed[-1][0] - fell <= (every + 2 * again) * (1 + JITTER) + 1.0 + 0.2
    rose = world.reactor.seconds()
    world.ill = ""
    world.run(every * 3 + 3.0)
    assert world.changed[-1][1] is True
    assert world.changed[-1][0] - rose <= (every + (changing or every)) * (1 + JITTER) + 1.0 + 0.2


# -- injected faults --


def inject(world: World, text: str, *, pool: str = "web", server: str = "a") -> Injections:
    """A fault that checks meet, on one server."""
    faults = Injections(world.registry)
    fault = Fault("x", ((pool, server),), action(text), checks=True)
    faults.start(RunningFault(fault, 7, world.reactor.seconds(), world.reactor.seconds() + 60.0))
    return faults


def test_a_check_that_lies_and_its_evidence() -> None:
    world = World(evolve(CONFIGURATION, pools=(WEB,)))
    world.run(4.0)
    faults = inject(world, "lie down")
    asked = len(world.asked)
    world.run(8.0)
    assert not live(world.registry, "web", "a").available
    assert live(world.registry, "web", "b").available
    assert "10.0.0.1" not in world.asked[asked:]
    (shown,) = [one for one in world.service.snapshot() if one.address == "10.0.0.1:80"]
    assert {one.reason for one in shown.transitions[-1].probes} == {"failed (injected)"}
    faults.stop("x")
    world.run(6.0)
    assert live(world.registry, "web", "a").available


def test_a_server_that_is_dead_seems_to_live() -> None:
    world = World(evolve(CONFIGURATION, pools=(WEB,)))
    world.run(4.0)
    inject(world, "lie up")
    world.down.add("10.0.0.1")
    world.run(8.0)
    assert live(world.registry, "web", "a").available


def test_a_name_that_leads_elsewhere_is_asked_there() -> None:
    """The evidence is the server's, whoever answered."""
    named = Pool("web", (Server("a", Address("a.invalid", 80)),), checks=("alive",))
    world = World(evolve(CONFIGURATION, pools=(named,)))
    inject(world, "dns old 10.9.9.9")
    world.run(4.0)
    assert set(world.asked) == {"10.9.9.9"}
    (shown,) = world.service.snapshot()
    assert (shown.address, shown.alive, shown.results[0].reason) == ("a.invalid:80", True, "connected")
