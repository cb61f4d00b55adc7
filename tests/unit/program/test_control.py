"""The running program as the admin sees it: every method of the seam, with what it promises."""

from __future__ import annotations

import inspect
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed

from director.admin.control import Applied, Control, Question, Rehearsed, Succeeded
from director.errors import ChangeRefused, TheirsError
from director.health.io.service import HealthService
from director.health.passive import Passive
from director.l7.io.access_log import AccessLog
from director.l7.io.service import Shell
from director.model.pools import State
from director.program.configuration import read
from director.program.confirmation import Confirmation
from director.program.control import RunningControl, Verbs
from director.program.drills import Drills
from director.program.layer4 import Layer4
from director.program.layer7 import Layer7, compile_services
from director.program.listen_alerts import ListenAlerts
from director.program.logs import event_log
from director.program.running import Running
from director.program.version import VERSION
from director.registry.changes import Ordered, weight
from director.registry.registry import Generation
from director.registry.reports import ListenerState, LogEvent
from director.store.io.file import FileStore
from tests.support.loops import loop_of

INI = """
[director]
state_dir = var

[l7:www]
listen = 127.0.0.1:8080
pool = web

[pool:web]
server.a = 127.0.0.1:9001
"""
MADE = Applied(Generation(7, "ops", 0.0, ()))
FORESEEN = Rehearsed((Ordered("web", "a", State.DRAIN),))


@pytest.fixture
def control(tmp_path: Path) -> Any:
    path = tmp_path / "director.ini"
    path.write_text(INI)
    loaded = read(str(path))
    with loop_of() as loop:
        current = Running(loaded, FileStore(tmp_path, loop.reactor), loop.reactor, Random(1))
        registry = current.registry
        current.commit(current.of_file(loaded, "start"))
        shell = Shell(loop.reactor, AccessLog("off", "text", 0.0, loop.reactor), 16)
        sites = compile_services(registry.configuration, registry)
        from director.l7.routing.service import ServiceHandle

        shell.handles["www"] = ServiceHandle(sites[0], str, shell.record)
        health = HealthService(registry, loop.reactor, loop.reactor.seconds, lambda _: None)
        traffic = Layer7(registry, shell, str)
        layer4 = Layer4(registry, loop.reactor, "edge", tmp_path, Random(1))
        yield RunningControl(
            str(path),
            current,
            traffic,
            health,
            layer4,
            loop.reactor,
            Verbs(
                lambda *_: succeed(MADE),
                lambda *_: succeed(MADE),
                lambda _: succeed(FORESEEN),
                lambda *_: succeed(MADE),
                lambda _: succeed(Succeeded(4711, "1.2")),
            ),
            lambda: [ListenerState("admin", "127.0.0.1:8404")],
            ListenAlerts(registry, traffic, loop.reactor),
            Confirmation(registry, loop.reactor, lambda *_: succeed(MADE), lambda: None),
            Passive(),
            Drills(registry, traffic, layer4, None, loop.reactor, Random(1)),
        )


def test_it_has_every_method_of_the_seam_with_the_same_arguments() -> None:
    for name, wanted in inspect.getmembers(Control, inspect.isfunction):
        if not name.startswith("_"):
            found = getattr(RunningControl, name)
            assert list(inspect.signature(found).parameters) == list(inspect.signature(wanted).parameters), (
                name
            )


def test_figures_of_the_process(control: Any) -> None:
    told = control.process()
    assert told.rss is not None
    assert told.rss > 1_000_000
    assert 0 < told.fds < told.max_fds
    assert control.moment().when(control.moment().now) == pytest.approx(control.moment().time, abs=1)
    assert told.version == VERSION


def test_readiness_names_what_is_against_it(control: Any) -> None:
    assert control.readiness().ready
    control.stopping = True
    assert control.readiness().reasons == ("the director is stopping",)


def test_listeners_are_those_of_all_parts(control: Any) -> None:
    assert [one.service for one in control.listeners()] == ["admin"]


def test_handshakes_and_ends_of_certificates(control: Any) -> None:
    counters = control._traffic.shell.arrivals.counters
    counters.handshakes, counters.resumed = 5, 2
    counters.failed["crowded"] += 3
    control._traffic._ends = lambda: {"shop": time.time() + 86400}
    found = control.tls()
    assert (found.handshakes, found.resumed, found.failed["crowded"]) == (5, 2, 3)
    assert found.expiry["shop"] == pytest.approx(86400, abs=5)


def test_caches_have_figures(control: Any) -> None:
    found = {one.name: one for one in control.caches()}
    assert found["request_fields"].limit == 256
    assert found["request_fields"].hits is not None
    assert (found["repeated_heads"].entries, found["repeated_heads"].limit) == (0, 0)


def test_events_come_newest_first(control: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "events", [LogEvent(0.0, "info", str(number)) for number in range(5)])
    assert [one.text for one in control.events(2)] == ["4", "3"]
    assert control.events(0) == []


def test_traces_come_newest_first_and_by_id(control: Any) -> None:
    record = (
        "1",
        0.0,
        "www",
        "c",
        "GET",
        "/",
        "h",
        "",
        "web",
        False,
        None,
        "",
        (),
        (),
        "",
        200,
        "ok",
        1,
        0,
        None,
        None,
        0.1,
    )
    control._traffic.shell.record(record)
    control._traffic.shell.record(("2", *record[1:]))
    assert [one["id"] for one in control.traces(9)] == ["2", "1"]
    assert control.trace("1")["status"] == 200
    assert control.trace("none") is None


def test_explain_decides_and_refuses(control: Any) -> None:
    told = control.explain(Question("GET", "http://h:8080/"))
    assert (told["service"], told["pool"], told["server"]) == ("www", "web", "a")
    with pytest.raises(TheirsError):
        control.explain(Question("GET", "/../x"))


def test_the_file_is_shown_and_checked(control: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "[pool:web]" in control.config_text()
    Path(control._path).write_text(INI + "nonsense = 1\n")

    def at_once(reactor: object, pool: object, call: Any, *arguments: Any) -> Deferred[Any]:
        return succeed(call(*arguments))

    monkeypatch.setattr("director.program.control.deferToThreadPool", at_once)
    found: list[Any] = []
    control.check_config().addCallback(found.extend)
    assert [one.severity for one in found] == ["error"]
    assert found[0].file == control._path


def test_changes_and_reloads_are_passed_on(control: Any) -> None:
    assert control.reload("ops").result is MADE
    assert control.apply([], "ops").result is MADE
    assert control.undo(7, "ops").result is MADE
    assert control.rehearse_reload("ops").result is FORESEEN


def test_what_a_generation_changed_can_be_asked_for_before_it_is_taken_back(control: Any) -> None:
    with pytest.raises(ChangeRefused, match="There is no such generation"):
        control.rehearse_undo(7)
    with pytest.raises(ChangeRefused, match="changed nothing that could be taken back"):
        control.rehearse_undo(1)
    current = control._current
    current.commit(current.of_changes([weight(current.registry.configuration, "web", "a", 7)], "ops"))
    assert [str(one) for one in control.rehearse_undo(2)] == ["server web/a now weight=1 max=0 min=0"]


def test_the_store_has_a_name_and_says_whether_it_keeps(control: Any, tmp_path: Path) -> None:
    assert control.store_nonce == ""
    control._current.overrides.load()
    assert len(control.store_nonce) == 16
    assert control.unkept() == ""
    (tmp_path / "orders.json").unlink()
    (tmp_path / "orders.json").mkdir()
    (tmp_path / "orders.json" / "in the way").touch()
    control._current.commit(control._current.of_changes([Ordered("web", "a", State.DRAIN)], "ops"))
    assert "orders.json: Is a directory; make room" in control.unkept()
