"""Values as text: every shipped configuration comes back as it was, and nothing else is ever made."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

import pytest

from director.errors import StoreError
from director.model.conditions import And, Not, Or, Term
from director.model.http import Rule
from director.model.pools import Address, Forward, Pool, Retry, Server, State
from director.program.configuration import read
from director.registry.changes import Ordered, PoolAdded
from director.registry.edits import Edit, Verb
from director.registry.registry import Generation
from director.store.values import DEEPEST, dumps, loads

ETC = Path(__file__).parents[3] / "etc"
A = Server("a", Address("10.0.0.1", 80), forward=Forward.DR)
WHEN = And((Term("host", "", "=", ("é.example",)), Not(Or((Term("path", "", "^=", ("/x",)),)))))


@pytest.mark.parametrize("path", sorted(ETC.rglob("*.ini")), ids=lambda path: path.name)
def test_a_shipped_configuration_comes_back(path: Path) -> None:
    configuration = read(str(path)).require()
    assert loads(dumps(configuration)) == configuration


@pytest.mark.parametrize(
    "value",
    [
        Rule(1, "t", "www", when=WHEN, respond=(403, "no")),
        Pool("web", (A,), retry=Retry(frozenset({"empty"}), frozenset({503, 502}))),
        PoolAdded(Pool("web", (A,))),
        Ordered("web", "a", State.MAINT),
        Generation(3, "ops", 1.5, ("x",), (Edit("pools", ("web",), Verb.REMOVE),)),
        (b"\x00\xff", None, True, 0.5, "\x1f"),
        ipaddress.ip_network("2001:db8::/32"),
        {("web", "a"): State.DRAIN},
    ],
)
def test_it_comes_back(value: object) -> None:
    assert loads(dumps(value)) == value


def test_a_default_is_left_out_and_read_as_that() -> None:
    assert json.loads(dumps(Server("a", Address("10.0.0.1", 80)))) == {
        "=": "Server",
        "name": "a",
        "address": {"=": "Address", "host": "10.0.0.1", "port": 80},
    }


def test_what_is_unknown_is_not_kept() -> None:
    with pytest.raises(TypeError, match="a object cannot be kept"):
        dumps((A, object()))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[" * (DEEPEST + 5) + "]" * (DEEPEST + 5),
        "[" * 100_000,
        '{"=": "Popen", "args": "x"}',
        '{"a": 1}',
        '{"=": ["Server"]}',
        '{"=": "Server"}',
        '{"=": "Server", "name": "a", "address": 1, "weight": -1}',
        '{"=": "Server", "name": "a", "adress": 1}',
        '{"=": "State", "is": "gone"}',
        '{"=": "Server", "is": "x"}',
        '{"=": "bytes", "is": "*"}',
        '{"=": "IPv4Network", "is": "10.0.0.1/8"}',
        '{"=": "set"}',
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(StoreError):
        loads(text)
