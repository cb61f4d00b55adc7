"""The bodies that are described are those that are taken: the code refuses what the schemas refuse."""

from __future__ import annotations

from typing import Any

import pytest

from director.admin import bodies
from director.admin.accounts import ROLES
from director.admin.bodies import NAMED, NEW_SERVER, NEW_TOKEN, QUESTION, SERVER_ORDER, SET
from director.model.pools import Forward
from tests.unit.admin.test_resource import GOOD
from tests.unit.admin.wire import Admin

SERVERS = "/api/v1/pools/web/servers"


@pytest.mark.parametrize(
    ("method", "place", "schema"),
    [
        ("PATCH", f"{SERVERS}/a", SERVER_ORDER),
        ("POST", "/api/v1/explain", QUESTION),
        ("POST", "/api/v1/tokens", NEW_TOKEN),
    ],
)
def test_what_is_closed_takes_no_other_field(method: str, place: str, schema: dict[str, Any]) -> None:
    assert schema["additionalProperties"] is False
    good = {"weight": 3} if method == "PATCH" else {"url": "http://a/", "user": "ops"}
    body = {key: value for key, value in good.items() if key in schema["properties"]}
    told = Admin().send(method, place, {**body, "colour": "red"})
    assert (told.status, told.json["at"]) == (400, "colour")


@pytest.mark.parametrize(
    ("place", "schema"),
    [
        ("/api/v1/pools", NAMED),
        ("/api/v1/rules", NAMED),
        ("/api/v1/services", NAMED),
        (SERVERS, NEW_SERVER),
        ("/api/v1/tokens", NEW_TOKEN),
        ("/api/v1/explain", QUESTION),
    ],
)
def test_what_is_required_is_asked_for(place: str, schema: dict[str, Any]) -> None:
    for key in schema["required"]:
        body = {one: "x:1" for one in schema["required"] if one != key}
        told = Admin().send("POST", place, body)
        assert told.status == 400
        if len(schema["required"]) == 1:
            assert told.json["at"] == key


def test_a_patch_says_something() -> None:
    assert SET["minProperties"] == SERVER_ORDER["minProperties"] == 1
    for place in ("/api/v1/pools/web", f"{SERVERS}/a", "/api/v1/rules/100", "/api/v1/services/l7:www"):
        assert Admin().send("PATCH", place, {}).status == 400
    assert Admin().send("PATCH", f"{SERVERS}/a", GOOD["change_server"]).status == 200


def test_words_are_those_of_the_model() -> None:
    assert bodies.SERVER_ORDER["properties"]["forward"]["enum"] == [one.value for one in Forward]
    assert bodies.NEW_TOKEN["properties"]["role"]["enum"] == list(ROLES)
