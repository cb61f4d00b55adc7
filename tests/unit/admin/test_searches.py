from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from director.admin.chronicle import STEP
from director.admin.testing import record
from tests.unit.admin.wire import Admin

REQUESTS = [
    record(id="r9", pool="web", server="a", rule="100 images", status=200),
    record(id="r8", pool="web", server="b", status=503, tries=(("a", "connect: refused"),)),
    record(
        id="r7", pool="images", server="i", rule="200 old", service="other", status=502, outcome="timeout"
    ),
    record(id="r6", fault="page:sorry", status=503, outcome="fault"),
    record(id="r5", pool="web", server="a", status=404),
]


@pytest.fixture
def admin() -> Admin:
    made = Admin()
    made.control.remembered = list(REQUESTS)
    return made


def ids(admin: Admin, **query: str) -> list[str]:
    return [one["id"] for one in admin.get(f"/api/v1/requests?{urlencode(query)}").json]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["r9", "r8", "r7", "r6", "r5"]),
        ({"pool": "web"}, ["r9", "r8", "r5"]),
        ({"server": "web/a"}, ["r9", "r8", "r5"]),
        ({"server": "b"}, ["r8"]),
        ({"server": "images/a"}, []),
        ({"service": "l7:other"}, ["r7"]),
        ({"service": "www"}, ["r9", "r8", "r6", "r5"]),
        ({"rule": "100"}, ["r9"]),
        ({"rule": "200 old"}, ["r7"]),
        ({"status": "5xx"}, ["r8", "r7", "r6"]),
        ({"status": "404"}, ["r5"]),
        ({"outcome": "fault"}, ["r6"]),
        ({"outcome": "timeout"}, ["r7"]),
        ({"after": "r8"}, ["r7", "r6", "r5"]),
        ({"after": "gone"}, []),
        ({"pool": "web", "status": "5xx"}, ["r8"]),
        ({"after": "r9", "pool": "web", "limit": "1"}, ["r8"]),
    ],
)
def test_requests_are_found_by_what_they_were(admin: Admin, query: dict[str, str], found: list[str]) -> None:
    assert ids(admin, **query) == found


def test_a_page_leads_to_the_next_one(admin: Admin) -> None:
    reply = admin.get("/api/v1/requests?pool=web&limit=2")
    assert [one["id"] for one in reply.json] == ["r9", "r8"]
    target = reply.headers["Link"].partition("<")[2].partition(">")[0]
    rest = admin.get(target)
    assert [one["id"] for one in rest.json] == ["r5"]
    assert "Link" not in rest.headers


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("outcome=broken", "outcome"),
        ("status=600", "status"),
        ("status=5x", "status"),
        ("limit=0", "limit"),
        ("colour=red", "colour"),
        ("pool=web&pool=web", "pool"),
    ],
)
def test_what_no_request_can_be_is_refused(admin: Admin, query: str, at: str) -> None:
    reply = admin.get(f"/api/v1/requests?{query}")
    assert (reply.status, reply.json["at"]) == (400, at)


def test_all_schedulers_are_there_and_who_uses_them(admin: Admin) -> None:
    found = {one["scheduler"]: one for one in admin.get("/api/v1/schedulers").json}
    assert found["wlc"]["used_by"] == ["pool web"]
    assert found["rr"] == {
        "scheduler": "rr", "text": "Round robin.", "used_by": ["pool dns"], "own": None,
    }  # fmt: skip
    assert any(name.startswith("sh") for name in found)


def sampled(admin: Admin) -> None:
    for _ in admin.chronicle.sample(admin.control.snapshot(), admin.control.at.time):
        pass


def test_series_are_found_by_short_and_long_names(admin: Admin) -> None:
    sampled(admin)
    told = admin.get("/api/v1/history?of=web,pools/web/servers/a,services/l7:www&span=30s").json
    assert (told["step"], told["span"]) == (STEP, 30)
    assert list(told["series"]) == ["web", "web/a", "l7:www"]
    assert told["series"]["web"]["eligible"] == [None, None, 2]
    listed = admin.get("/api/v1/history").json
    assert {"*", "web", "web/a", "l7:www"} <= set(listed["of"])
    assert listed["series"] == {}


@pytest.mark.parametrize(
    ("query", "status", "at"),
    [
        ("of=wbe", 404, "wbe"),
        ("of=web&span=2h", 400, "span"),
        ("of=web&span=0s", 400, "span"),
        ("of=web&span=60", 400, "span"),
        ("of=" + ",".join(["web"] * 101), 400, "of"),
    ],
)
def test_what_has_no_history_is_refused(admin: Admin, query: str, status: int, at: str) -> None:
    sampled(admin)
    reply = admin.get(f"/api/v1/history?{query}")
    assert (reply.status, reply.json["at"]) == (status, at)


def test_who_changes_over_an_unseen_change_is_shown_it(admin: Admin) -> None:
    server = "/api/v1/pools/web/servers/a"
    tag = admin.get(server).headers["ETag"]
    assert admin.send("PATCH", server, {"weight": 9}).status == 200
    refused = admin.send("PATCH", server, {"weight": 4}, If_Match=tag)
    assert refused.status == 412
    (since,) = refused.json["since"]
    assert (since["number"], since["author"]) == (2, "the admin token")
    assert since["changes"][0]["after"] == {"weight": 9}
    strange: Any = admin.send("PATCH", server, {"weight": 4}, If_Match='"other-g1"')
    assert (strange.status, strange.json["since"]) == (412, [])
