"""The running program as the admin sees it: every method of the seam, with what it promises."""

from __future__ import annotations

import inspect
from pathlib import Path
from random import Random
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed

from director.admin.control import Control, Question
from director.errors import TheirsError
from director.health.io.service import HealthService
from director.l7.io.access_log import AccessLog
from director.l7.io.service import Shell
from director.program.configuration import read
from director.program.control import RunningControl, installed_version
from director.program.layer4 import Layer4
from director.program.layer7 import compile_services
from director.program.logs import event_log
from director.program.overrides import Orders
from director.registry.registry import Generation
from director.registry.reports import ListenerState, LogEvent
from tests.support.loops import loop_of
from tests.support.registries import registry_of

INI = """
[director]
state_dir = var

[l7:www]
listen = 127.0.0.1:8080
pool = web

[pool:web]
server.a = 127.0.0.1:9001
"""
MADE = Generation(7, "ops", 0.0, ())


@pytest.fixture
def control(tmp_path: Path) -> Any:
    path = tmp_path / "director.ini"
    path.write_text(INI)
    loaded = read(str(path))
    with loop_of() as loop:
        registry = registry_of(configuration=loaded.require())
        shell = Shell(loop.reactor, AccessLog("off", "text", 0.0, loop.reactor), 16)
        sites = compile_services(registry.configuration, registry)
        from director.l7.routing.service import ServiceHandle

        shell.handles["www"] = ServiceHandle(sites[0], str, shell.record)
        health = HealthService(registry, loop.reactor, loop.reactor.seconds, lambda _: None)
        yield RunningControl(
            str(path),
            loaded,
            registry,
            shell,
            health,
            Layer4(registry, loop.reactor, "edge", tmp_path, Random(1)),
            Orders(tmp_path, loop.reactor),
            loop.reactor,
            lambda *_: MADE,
            lambda _: succeed(MADE),
            lambda: [ListenerState("admin", "127.0.0.1:8404")],
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
    assert installed_version()


def test_readiness_names_what_is_against_it(control: Any) -> None:
    assert control.readiness().ready
    control.stopping = True
    assert control.readiness().reasons == ("the director is stopping",)


def test_listeners_are_those_of_all_parts(control: Any) -> None:
    assert [one.service for one in control.listeners()] == ["admin"]


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
        "",
        200,
        "ok",
        1,
        0,
        None,
        None,
        0.1,
    )
    control._shell.record(record)
    control._shell.record(("2", *record[1:]))
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
    assert control.apply([], "ops") is MADE
