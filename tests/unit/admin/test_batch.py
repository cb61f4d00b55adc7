from __future__ import annotations

from typing import Any

import pytest

from director.admin import batch
from director.admin.edits import BadOrder
from director.errors import ChangeRefused
from tests.unit.admin import sample
from tests.unit.admin.wire import Admin


def step(verb: str, kind: str, name: str, **keys: Any) -> dict[str, Any]:
    return {"verb": verb, "kind": kind, "name": name, "keys": keys}


def send(admin: Admin, *steps: dict[str, Any], query: str = "") -> Any:
    return admin.send("POST", f"/api/v1/changes{query}", {"changes": [*steps]})


def test_every_verb_of_every_kind_is_there() -> None:
    assert set(batch.STEPS) == {(verb, kind) for verb in batch.VERBS for kind in batch.KINDS}


def test_several_things_are_one_generation() -> None:
    admin = Admin()
    before = admin.control.snapshot().generation
    reply = send(
        admin,
        step("add", "pool", "new", scheduler="rr"),
        step("add", "server", "new/a", address="10.0.0.1:80", weight=2),
        step("add", "service", "l7:new", listen="127.0.0.1:81", pool="new"),
        step("add", "rule", "7", service="new", pool="new", title="first"),
        step("change", "server", "new/a", weight=5),
        step("change", "rule", "7", when="path ^= /a"),
    )
    assert (reply.status, reply.json["generation"]) == (200, before + 1)
    seen = admin.control.snapshot()
    found = seen.server("new", "a")
    assert found is not None
    assert found.weight == 5
    rule = next(one for one in seen.configuration.rules if one.number == 7)
    assert rule.name == "7 first"
    reply = send(
        admin,
        step("change", "pool", "new", scheduler="lc"),
        step("change", "service", "l7:new", listen="127.0.0.1:82"),
        step("remove", "rule", "7"),
        step("remove", "service", "l7:new"),
        step("remove", "server", "new/a"),
        step("remove", "pool", "new"),
    )
    assert reply.status == 200
    assert "new" not in admin.control.snapshot().pools


def test_one_that_fails_keeps_all_from_happening_and_is_named() -> None:
    admin = Admin()
    seen = admin.control.snapshot()
    good = step("add", "pool", "new")
    for bad, status, at in (
        (step("add", "pool", "new"), 409, "changes[1] new"),
        (step("change", "server", "new/a", weight=1), 404, "changes[1]"),
        (step("add", "server", "new", address="10.0.0.1:80"), 400, "changes[1].name"),
        (step("add", "server", "new/a", address="10.0.0.1:80", wieght=1), 400, "changes[1]."),
        (step("mend", "pool", "new"), 400, "changes[1].verb"),
        ({"verb": "add", "kind": "pool", "name": "x", "more": 1}, 400, "changes[1].step"),
        ({"verb": "add", "kind": "pool", "name": 1}, 400, "changes[1].name"),
    ):
        reply = send(admin, good, bad)
        assert (reply.status, reply.json["at"].startswith(at)) == (status, True), (bad, reply.json)
    assert admin.control.snapshot().generation == seen.generation


def test_a_rehearsal_says_what_would_be_done() -> None:
    admin = Admin()
    reply = send(admin, step("add", "pool", "new"), query="?dry_run=1")
    assert reply.json == {
        "dry_run": True,
        "diff": ["pool new added with 0 server(s)"],
        "changes": [{"what": "pool new", "before": None, "after": {"name": "new"}}],
    }
    assert "new" not in admin.control.snapshot().pools


@pytest.mark.parametrize(
    "order", [{}, {"changes": {}}, {"changes": [], "more": 1}, {"changes": [{}] * 10_001}]
)
def test_what_is_no_order(order: dict[str, Any]) -> None:
    with pytest.raises(BadOrder, match="at most 10000 steps"):
        batch.wanted(sample.control().snapshot().configuration, order)


def test_a_refused_change_keeps_its_code() -> None:
    configuration = sample.control().snapshot().configuration
    with pytest.raises(ChangeRefused) as caught:
        batch.wanted(configuration, {"changes": [step("remove", "pool", "none")]})
    assert caught.value.code == "ESRCH"


def test_states_are_ordered_with_the_rest_and_taken_back_with_it() -> None:
    admin = Admin()
    sample.fill(admin.control)
    before = admin.control.snapshot()
    steps = (
        step("change", "server", "web/a", state="drain", weight=7),
        step("change", "server", "web/s", state="maint"),
    )
    rehearsed = send(admin, *steps, query="?dry_run=1").json
    reply = send(admin, *steps)
    assert (reply.status, reply.json["generation"]) == (200, before.generation + 1)
    assert reply.json["diff"] == rehearsed["diff"]
    assert [one.partition(" ordered")[0] for one in reply.json["diff"][1:]] == [
        "server web/a",
        "server web/s",
    ]
    again = send(admin, *steps)
    assert (again.json["diff"], again.json["generation"]) == ([], before.generation + 1)


@pytest.mark.parametrize("state", ["gone", 7, None])
def test_a_state_is_one_of_three(state: object) -> None:
    admin = Admin()
    sample.fill(admin.control)
    reply = send(admin, step("change", "server", "web/a", state=state))
    assert (reply.status, reply.json["at"]) == (400, "changes[0].state")
