from __future__ import annotations

import argparse

import pytest

from director.cli import locating
from director.cli.client import Refused
from director.cli.invocation import Invocation, kept, refuse


def test_the_director_is_looked_for_when_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def connected(*named: str) -> str:
        asked.append((named[0], named[1]))
        return "it"

    monkeypatch.setattr(locating, "connected", connected)
    call = Invocation(argparse.Namespace(socket="/x.sock", config="", json=True))
    assert asked == []
    assert [str(call.client), str(call.client)] == ["it", "it"]
    assert asked == [("/x.sock", "")]


def test_a_change_that_is_not_kept_is_4(capsys: pytest.CaptureFixture[str]) -> None:
    assert (kept({"kept": True}), kept({})) == (0, 0)
    assert kept({"kept": False}) == 4
    assert "a restart would lose it" in capsys.readouterr().err


def test_a_refusal_lists_every_problem(capsys: pytest.CaptureFixture[str]) -> None:
    body = {"error": "two", "at": "config", "problems": ["one\x07", "another"]}
    assert refuse(Refused("two", "config", 409, body), as_json=False) == 1
    assert capsys.readouterr().err == "director: config: two\n  one\\x07\n  another\n"
    assert refuse(Refused("gone", code=3), as_json=True) == 3
    assert capsys.readouterr().out == '{"error": "gone", "at": ""}\n'
