from __future__ import annotations

from typing import Any

import pytest

from director.admin import objects
from director.admin.edits import BadOrder
from director.errors import ChangeRefused
from director.model.pools import Address
from director.registry.changes import plan
from tests.unit.admin.sample import CONFIGURATION


def test_fields_become_the_text_of_an_ini() -> None:
    assert objects.texts({"weight": 2, "backup": True, "h2": False, "tls": ["a", "b"], "pool": "web"}) == {
        "weight": "2", "backup": "yes", "h2": "no", "tls": "a, b", "pool": "web",
    }  # fmt: skip


@pytest.mark.parametrize("value", [None, {}, 1.5, [None], "a\x00", "\u202e", "x" * 9000])
def test_what_no_ini_could_say_is_refused(value: Any) -> None:
    with pytest.raises(BadOrder) as caught:
        objects.texts({"key": value})
    assert caught.value.at == "key"


def test_a_server_is_added_and_nothing_else_changes() -> None:
    wanted, name = objects.server_added(
        CONFIGURATION, "web", {"name": "c", "address": "10.0.0.13:8080", "weight": 2}
    )
    added = wanted.pools[0].servers[-1]
    assert (name, added.name, added.address, added.weight) == ("c", "c", Address("10.0.0.13", 8080), 2)
    assert [str(one) for one in plan(CONFIGURATION, wanted)] == ["server web/c added at 10.0.0.13:8080"]
    assert objects.server_removed(wanted, "web", "c") == CONFIGURATION


def test_what_is_added_and_removed_leaves_no_trace() -> None:
    wanted, name = objects.pool_added(
        CONFIGURATION, {"name": "new", "server.a": "10.0.0.1:80", "check": "alive"}
    )
    assert objects.pool_removed(wanted, name) == CONFIGURATION
    wanted, name = objects.service_added(CONFIGURATION, {"name": "l7:x", "listen": ":81", "pool": "web"})
    assert objects.service_removed(wanted, name) == CONFIGURATION
    wanted, name = objects.service_added(
        CONFIGURATION, {"name": "l4:x", "virtual": "tcp 192.0.2.1:80", "pool": "web"}
    )
    assert objects.service_removed(wanted, name) == CONFIGURATION
    wanted, name = objects.rule_added(
        CONFIGURATION, {"number": 300, "title": "new", "service": "www", "when": "path = /n", "pool": "web"}
    )
    assert (wanted.rules[-1].name, name) == ("300 new", "300")
    assert objects.rule_removed(wanted, name) == CONFIGURATION


@pytest.mark.parametrize(
    ("order", "at"),
    [
        ({}, "name"),
        ({"name": 5}, "name"),
        ({"name": "www", "listen": ":80"}, "name"),
        ({"name": "l9:www", "listen": ":80"}, "name"),
        ({"name": "l7:x", "listen": ":80", "pool": "none"}, "pool"),
        ({"name": "l7:x", "listen": ":80", "pool": "web", "fault": "page none"}, "fault"),
        ({"name": "l7:x", "listen": ":80", "colour": "red"}, "colour"),
    ],
)
def test_a_service_that_cannot_be(order: dict[str, Any], at: str) -> None:
    with pytest.raises(BadOrder) as caught:
        objects.service_added(CONFIGURATION, order)
    assert caught.value.at == at


def test_what_is_there_already_is_not_added() -> None:
    for add, order in (
        (objects.pool_added, {"name": "web"}),
        (objects.service_added, {"name": "l7:www", "listen": ":80"}),
        (objects.rule_added, {"name": "100 other", "service": "www", "respond": "404"}),
    ):
        with pytest.raises(ChangeRefused) as caught:
            add(CONFIGURATION, order)
        assert caught.value.code == "EEXIST"


def test_what_is_not_there_is_not_changed() -> None:
    for change in (
        lambda: objects.pool_changed(CONFIGURATION, "none", {"scheduler": "rr"}),
        lambda: objects.service_changed(CONFIGURATION, "l7:none", {"pool": "web"}),
        lambda: objects.rule_changed(CONFIGURATION, "999", {"pool": "web"}),
        lambda: objects.server_removed(CONFIGURATION, "web", "none"),
    ):
        with pytest.raises(ChangeRefused) as caught:
            change()
        assert caught.value.code in {"ESRCH", "ENOENT"}


def test_checks_that_are_named_must_be_there() -> None:
    with pytest.raises(BadOrder, match="there is no check nope; there are: alive"):
        objects.pool_changed(CONFIGURATION, "web", {"check": "nope"})
