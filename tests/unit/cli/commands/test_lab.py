from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from director.errors import DirectorError
from director.model.pools import Forward
from tests.unit.cli.memory import Run


def test_lab_runs_the_methods_named(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    asked: list[Any] = []

    def lab_run(methods: Any, said: Callable[[str], None]) -> list[Any]:
        asked.append([one.value for one in methods])
        said("a line")
        return [SimpleNamespace(method=methods[0], transfer="ok", failed="no ip")]

    def lab_down(said: Callable[[str], None]) -> None:
        raise DirectorError("needs root")

    def lab_up(method: Any, said: Callable[[str], None]) -> None:
        said(f"{method.value} stands")

    found = SimpleNamespace(lab_run=lab_run, lab_up=lab_up, lab_down=lab_down, METHODS=tuple(Forward))
    monkeypatch.setattr("importlib.import_module", lambda _: found)
    assert run("lab", "run", "dr") == (1, "a line\n", "")
    code, out, _ = run("lab", "run", "--json")
    assert (code, json.loads(out)) == (1, [{"method": "nat", "transfer": "ok", "failed": "no ip"}])
    assert asked == [["dr"], ["nat", "dr", "tun", "local"]]
    assert run("lab", "up", "tun") == (0, "tun stands\n", "")
    assert json.loads(run("lab", "up", "--json")[1]) == {"said": ["nat stands"]}
    assert run("lab", "down") == (1, "", "director: needs root\n")
