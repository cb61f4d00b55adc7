"""Every answer of the routes in memory against the description that is served."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from director.admin.described import COMPONENTS
from director.admin.openapi import document
from director.admin.route import JSON as JSON_TYPE
from director.admin.route import ApiRoute
from director.admin.routes import NOT_THE_API, ROUTES
from director.admin.schemas import ANSWERS
from director.registry.reports import ConnectionEntry, WorkerFigures
from tests.support.schemas import misfits
from tests.unit.admin.test_resource import GOOD, admin, ask, path
from tests.unit.admin.wire import BEARER, Admin

WHOLE = json.loads(json.dumps(document("1")))
SPEAKING = [
    route
    for route in ROUTES
    if route.name not in NOT_THE_API and route.gives == JSON_TYPE and {200, 201} & set(route.statuses)
]
"""What answers with a body when all is well."""


def described(route: ApiRoute, status: int) -> Any:
    """The schema of an answer, as a client reads it."""
    answer = WHOLE["paths"][route.path][route.method.lower()]["responses"][str(status)]
    return answer["content"][JSON_TYPE].get("schema")


def filled() -> Admin:
    made = admin()
    made.control.flows = [
        ConnectionEntry("TCP", "192.0.2.9:1", "192.0.2.53:53", "10.0.0.1:53", "ESTABLISHED", 9.0, "l4:dns",
                        "dns/d", "Masq", 3, template=False)
    ]  # fmt: skip
    made.control.workers = [WorkerFigures("director", 7, serving=True)]
    made.sign_in_as("ops", "weigh")
    made.accounts.tokens.make("ops", "viewer", 60.0, "CI", "root")
    for _ in made.chronicle.sample(made.control.snapshot(), made.control.at.time):
        pass
    return made


def test_every_route_of_the_api_has_a_schema_and_nothing_else_has() -> None:
    assert {route.name for route in SPEAKING} == set(ANSWERS)
    used = json.dumps([ANSWERS, COMPONENTS])
    assert all(f"#/components/schemas/{name}" in used for name in COMPONENTS if name != "Error")


@pytest.mark.parametrize("route", SPEAKING, ids=lambda route: route.name)
def test_what_is_answered_is_what_is_described(route: ApiRoute) -> None:
    made = filled()
    reply = ask(route, BEARER, made)
    if reply.status != 204:
        schema = described(route, reply.status)
        assert schema
        assert list(misfits(reply.json, schema, WHOLE)) == []
    if "dry_run" in dict(route.query):
        made = filled()
        _query_added(made, route)


def _query_added(made: Admin, route: ApiRoute) -> None:
    """The same as a rehearsal."""
    place = path(route, made)
    query = "&dry_run=1" if "?" in place else "?dry_run=1"
    reply = made.send(route.method, place + query, GOOD.get(route.name, {}))
    if reply.status < 400:
        assert list(misfits(reply.json, described(route, reply.status), WHOLE)) == []


@pytest.mark.parametrize("route", SPEAKING, ids=lambda route: route.name)
def test_each_error_is_described(route: ApiRoute) -> None:
    reply = admin().ask(route.method, "/api/v1/none", BEARER)
    assert list(misfits(reply.json, described(route, 404), WHOLE)) == []


def test_history_is_described_with_its_series() -> None:
    made = filled()
    route = next(one for one in ROUTES if one.name == "history")
    reply = made.get("/api/v1/history?of=web,*&span=1m")
    assert list(misfits(reply.json, described(route, 200), WHOLE)) == []
    assert set(reply.json["series"]) == {"web", "*"}


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        ({"weight": "2"}, ".weight is '2', no integer"),
        ({"weight": -1}, ".weight is -1"),
        ({"weight": True}, ".weight is True, no integer"),
        ({"state": "gone"}, ".state is 'gone', none of"),
        ({"since": "2027-01-15T08:00:00"}, ".since has no zone"),
        ({"forward": 7}, ".forward is 7, no string"),
        ({"errors": {"connect": None}}, ".errors.connect is None"),
        ({"checks": [{}]}, ".checks[0].since is missing"),
    ],
)
def test_an_answer_that_is_not_as_described_is_noticed(change: dict[str, Any], noticed: str) -> None:
    good = filled().get("/api/v1/pools/web/servers/a").json
    (found, *_) = misfits({**good, **change}, COMPONENTS["Server"], WHOLE)
    assert found.startswith(noticed)


# --- whatever is sent (as schemathesis would) ------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**40) | st.floats(allow_nan=False) | st.text(max_size=12)
    | st.sampled_from(["web", "a", "l7:www", ":81", "10.0.0.9:80", "udp 192.0.2.1:53", "1s", "50%", "${x}"]),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=6), part, max_size=3),
    max_leaves=6,
)  # fmt: skip


def bodies(route: ApiRoute) -> st.SearchStrategy[Any]:
    """Anything, often with keys that the route knows, and often only a little wrong."""
    known = sorted({*(route.body or {}).get("properties", {}), *GOOD.get(route.name, {})})
    keys = st.sampled_from(known) | st.text(max_size=6) if known else st.text(max_size=6)
    near = st.dictionaries(keys, VALUES, max_size=3).map(lambda odd: {**GOOD.get(route.name, {}), **odd})
    return near | st.dictionaries(keys, VALUES, max_size=4) | VALUES


def fits(made: Admin, route: ApiRoute, target: str, body: bytes) -> None:
    """What is answered is described, and no fault of ours."""
    headers = {**BEARER, "Accept": JSON_TYPE}
    if route.takes:
        headers["Content-Type"] = JSON_TYPE
    reply = made.ask(route.method, target, headers, body)
    assert str(reply.status) in WHOLE["paths"][route.path][route.method.lower()]["responses"]
    assert reply.status != 500
    if reply.status != 204:
        assert list(misfits(reply.json, described(route, reply.status), WHOLE)) == []


TAKING = [one for one in SPEAKING if one.takes == JSON_TYPE]
ASKED = [one for one in SPEAKING if one.query and one.name != "rotate_token"]
"""Whose parameters are tried; another token would end what is tried."""


@pytest.mark.parametrize("route", TAKING, ids=lambda one: one.name)
def test_whatever_is_sent_is_answered_as_described(route: ApiRoute) -> None:
    """One admin for all of it, so that what one order left is there for the next."""
    made = filled()

    @settings(max_examples=15)
    @given(bodies(route), st.sampled_from(["", "?dry_run=1", "?dry_run=maybe", "?other=1"]))
    def send(body: Any, query: str) -> None:
        fits(made, route, path(route, made) + query, json.dumps(body).encode())

    send()


@pytest.mark.parametrize("route", ASKED, ids=lambda one: one.name)
def test_whatever_is_asked_is_answered_as_described(route: ApiRoute) -> None:
    made = filled()
    names = st.sampled_from([name for name, _ in route.query]) | st.text(max_size=5)
    values = st.text(max_size=8) | st.integers(-1, 2000).map(str)

    @settings(max_examples=15)
    @given(st.dictionaries(names, values, max_size=3))
    def ask_for(query: dict[str, str]) -> None:
        target = path(route, made).partition("?")[0] + "?" + urlencode(query)
        fits(made, route, target, json.dumps(GOOD.get(route.name, {})).encode())

    ask_for()
