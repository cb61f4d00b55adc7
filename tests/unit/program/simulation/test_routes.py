from __future__ import annotations

from pathlib import Path

from director.plugins import UserFiles
from director.program.simulation.routes import DueRoute, Routes
from tests.support.simulations import fuzzer, get


def test_a_route_is_a_pool_or_an_answer(tmp_path: Path) -> None:
    routes = Routes(fuzzer(tmp_path).written, UserFiles())
    assert routes.of("www", get("/")) == DueRoute("web")
    assert routes.of("www", get("/small/x")) == DueRoute("small")
    assert routes.of("www", get("/gone")) == DueRoute(status=410)
    assert routes.of("www", get("/../up")) == DueRoute(status=400)
    assert routes.of("nobody", get("/")) == DueRoute()
