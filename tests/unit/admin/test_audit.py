from __future__ import annotations

from typing import Any

from attrs import evolve

from director.admin.audit import HIDDEN, generation_view, secrets_of
from director.admin.testing import MemoryControl
from director.model.conditions import Term
from director.model.http import Rule
from director.model.pools import Check, State
from director.model.settings import Configuration, User
from director.registry.changes import Ordered, plan
from tests.unit.admin import sample


def changed(made: MemoryControl, **fields: Any) -> list[Any]:
    """What the audit says of a reload with other fields."""
    now = made.registry.configuration
    generation = made.registry.apply(plan(now, evolve(now, **fields)), "ops", 0.0, 0.0, "192.0.2.7")
    found: list[Any] = generation_view(generation, secrets_of(made.snapshot()))["changes"]
    return found


def test_each_thing_is_told_as_it_was_and_as_it_is() -> None:
    made = sample.control()
    web, *others = made.registry.configuration.pools
    a, b, _ = web.servers
    told = changed(made, pools=(evolve(web, servers=(evolve(a, weight=7, max=9), b)), *others))
    assert {one["what"]: (one["before"], one["after"]) for one in told} == {
        "server web/a": ({"weight": 2, "max": 200}, {"weight": 7, "max": 9}),
        "server web/s": ({"name": "s", "address": "127.0.0.1:9003", "backup": True}, None),
    }


def test_who_and_from_where_and_whether_it_can_be_undone() -> None:
    made = sample.control()
    generation = made.registry.apply((Ordered("web", "a", State.DRAIN),), "ops", 0.0, 0.0, "192.0.2.7")
    told = generation_view(generation)
    assert (told["author"], told["from"], told["undoable"]) == ("ops", "192.0.2.7", True)
    assert told["changes"] == [
        {"what": "server web/a", "before": {"state": "ready"}, "after": {"state": "drain"}}
    ]
    assert generation_view(made.registry.generations[0])["undoable"] is False


def test_a_rule_is_told_in_the_words_of_the_ini_without_its_secrets() -> None:
    made = sample.control()
    key = Term("header", "X-Key", "=", ("s3cr3t-key",))
    rule = Rule(300, "inner", "www", key, pool="web", secrets=("s3cr3t-key",), written=(("when", "header…"),))
    (added,) = changed(made, rules=(*made.registry.configuration.rules, rule))
    assert added == {
        "what": "rule 300 inner",
        "before": None,
        "after": {
            "number": 300, "title": "inner", "service": "www", "pool": "web",
            "when": f"header X-Key = {HIDDEN}",
        },
    }  # fmt: skip
    now = made.registry.configuration.rules
    (moved,) = changed(made, rules=(*now[:-1], evolve(rule, when=Term("header", "X-Key", "exists", ()))))
    assert moved["before"] == {"when": f"header X-Key = {HIDDEN}"}
    (gone,) = changed(made, rules=now[:-1])
    assert "s3cr3t" not in str(gone)


def test_of_users_and_checks_only_which_settings_changed_is_told() -> None:
    made = sample.control()
    told = changed(made, users=(User("eve", "$argon2id$other"),), checks=(Check("alive", every=9.0),))
    text = str(told)
    assert "argon2" not in text
    assert "$look" not in text
    assert {"what": "user eve", "before": {"password": HIDDEN}, "after": {"password": HIDDEN}} in told
    assert {"what": "check alive", "before": {"every": HIDDEN}, "after": {"every": HIDDEN}} in told


def test_nothing_of_a_first_generation_is_a_change() -> None:
    assert generation_view(sample.control().registry.generations[0])["changes"] == []
    assert secrets_of(MemoryControl(sample.registry()).snapshot()) == frozenset()
    assert Configuration().users == ()
