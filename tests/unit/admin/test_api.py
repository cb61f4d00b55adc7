from __future__ import annotations

import ipaddress
import json
from typing import Any

import pytest
from treq.testing import RequestTraversalAgent, StubTreq
from twisted.internet.defer import Deferred, succeed
from twisted.web.http_headers import Headers

from director.admin.testing import record
from director.config.text.messages import Problem
from director.errors import ConfigError, DirectorError
from director.registry.counters import TrafficFigures
from director.registry.reports import ConnectionEntry, ConnectionQuery, PacketFigures
from tests.unit.admin import sample
from tests.unit.admin.test_proofs import FOUND
from tests.unit.admin.wire import BEARER, TOKEN, Admin

SERVER = "/api/v1/pools/web/servers/a"


def result(found: Deferred[Any]) -> Any:
    """What has come already."""
    seen: list[Any] = []
    found.addBoth(seen.append)
    assert seen, "it is not there yet"
    return seen[0]


def test_with_the_client_library_that_twisted_programs_use() -> None:
    treq: Any = StubTreq(Admin().resource())
    response = result(treq.get(f"http://127.0.0.1:8404{SERVER}", headers=BEARER))
    assert response.code == 200
    assert result(treq.json_content(response))["address"] == "127.0.0.1:9001"


def test_with_twisteds_own_agent() -> None:
    agent = RequestTraversalAgent(Admin().resource())
    headers = Headers({"Authorization": [f"Bearer {TOKEN}"]})
    response = result(agent.request(b"GET", b"http://localhost/api/v1/rules", headers))
    assert response.code == 200
    assert not response.headers.hasHeader(b"server")


def test_probes() -> None:
    made = Admin()
    assert made.ask("GET", "/healthz").body == b"ok\n"
    assert made.ask("GET", "/readyz").json == {"ready": True, "reasons": []}
    made.control.against = ("stopping",)
    reply = made.ask("GET", "/readyz")
    assert (reply.status, reply.json) == (503, {"ready": False, "reasons": ["stopping"]})


def test_a_service_by_key_or_by_a_unique_name() -> None:
    made = Admin()
    assert made.get("/api/v1/services/www").json["key"] == "l7:www"
    assert made.get("/api/v1/services/l4:dns").json["key"] == "l4:dns"
    assert [one["key"] for one in made.get("/api/v1/services").json] == ["l7:www", "l4:dns"]


def test_the_servers_of_a_pool_are_those_that_it_shows() -> None:
    made = Admin()
    reply = made.get("/api/v1/pools/web/servers")
    assert reply.json == made.get("/api/v1/pools/web").json["servers"] != []
    assert reply.headers["ETag"] == '"5eed-g1"'
    assert made.get("/api/v1/pools/none/servers").status == 404


def test_weight_and_state_are_changed() -> None:
    made = Admin()
    reply = made.send("PATCH", SERVER, {"weight": 5, "state": "drain"})
    assert reply.json == {
        "generation": 2,
        "diff": ["server web/a now weight=5 max=200 min=0", "server web/a ordered to drain"],
        "changes": [
            {"what": "server web/a", "before": {"weight": 2}, "after": {"weight": 5}},
            {"what": "server web/a", "before": {"state": "ready"}, "after": {"state": "drain"}},
        ],
        "kept": True,
    }
    assert reply.headers["ETag"] == '"5eed-g2"'
    view = made.get(SERVER).json
    assert (view["weight"], view["state"], view["eligible"]) == (5, "drain", False)


def test_a_dry_run_says_the_same_and_does_nothing() -> None:
    made = Admin()
    reply = made.send("PATCH", f"{SERVER}?dry_run=1", {"weight": 5})
    assert reply.json == {
        "dry_run": True,
        "diff": ["server web/a now weight=5 max=200 min=0"],
        "changes": [{"what": "server web/a", "before": {"weight": 2}, "after": {"weight": 5}}],
    }
    assert made.control.registry.generation == 1
    assert made.send("PATCH", f"{SERVER}?dry_run=0", {"weight": 5}).json["generation"] == 2


def test_a_dry_run_without_a_value_is_one() -> None:
    made = Admin()
    assert made.send("PATCH", f"{SERVER}?dry_run", {"weight": 5}).json["dry_run"] is True
    assert made.send("PATCH", f"{SERVER}?dry_run=", {"weight": 5}).json["dry_run"] is True
    assert made.control.registry.generation == 1


def test_if_match_may_name_several_tags() -> None:
    """RFC 9110 13.1.1: the write goes on when one of them is the current one, in one field or in several."""
    made = Admin()
    assert made.send("PATCH", SERVER, {"weight": 3}, If_Match='"5eed-g7", "5eed-g1"').status == 200
    assert made.send("PATCH", SERVER, {"weight": 4}, If_Match='"5eed-g7", "5eed-g1"').status == 412
    assert (
        made.send("PATCH", SERVER, {"weight": 4}, If_Match='"5eed-g7"\r\nIf-Match: "5eed-g1"').status == 412
    )
    assert (
        made.send("PATCH", SERVER, {"weight": 4}, If_Match='"5eed-g7"\r\nIf-Match: "5eed-g2"').status == 200
    )


def test_a_reload_over_a_change_is_412() -> None:
    made = Admin()
    tag = made.get("/api/v1/config").headers["ETag"]
    assert made.send("PATCH", SERVER, {"weight": 3}).status == 200
    assert made.send("POST", "/api/v1/config/reload", {}, If_Match=tag).status == 412


def test_no_difference_makes_no_generation() -> None:
    nothing = {"generation": 1, "diff": [], "changes": [], "kept": True}
    assert Admin().send("PATCH", SERVER, {"weight": 2}).json == nothing


def test_a_change_over_a_change_is_412() -> None:
    made = Admin()
    tag = made.get(SERVER).headers["ETag"]
    assert made.send("PATCH", SERVER, {"weight": 3}, If_Match=tag).status == 200
    reply = made.send("PATCH", SERVER, {"weight": 4}, If_Match=tag)
    assert reply.status == 412
    assert made.control.registry.pools["web"].servers[0].weight == 3
    assert made.send("PATCH", SERVER, {"weight": 4}, If_Match="*").status == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"weight": -1}', b'{"weight": 1, "weight": 2}', b"\xff"])
def test_a_wrong_order_is_400_and_changes_nothing(body: bytes) -> None:
    made = Admin()
    reply = made.ask("PATCH", SERVER, {**BEARER, "Content-Type": "application/json"}, body)
    assert reply.status == 400
    assert made.control.registry.generation == 1


def test_explain_asks_the_control() -> None:
    made = Admin()
    sample.trouble(made.control)
    order = {"method": "POST", "url": "http://a/b", "headers": {"X": "y"}, "client": "192.0.2.1"}
    reply = made.send("POST", "/api/v1/explain", order)
    assert reply.json["story"][0] == "rule 100 images matched"
    (asked,) = made.control.asked
    assert (asked.method, asked.url, asked.headers, asked.client) == (
        "POST",
        "http://a/b",
        (("X", "y"),),
        "192.0.2.1",
    )


def test_what_cannot_be_decided_is_400() -> None:
    reply = Admin().send("POST", "/api/v1/explain", {"url": "http://a/"})
    assert (reply.status, reply.json["error"]) == (400, "it cannot be decided: no service listens there")


def test_traces_newest_first_and_limited() -> None:
    made = Admin()
    made.control.remembered = [record(id=f"r{number}") for number in range(100)]
    assert len(made.get("/api/v1/requests").json) == 50
    assert [one["id"] for one in made.get("/api/v1/requests?limit=2").json] == ["r0", "r1"]
    assert made.get("/api/v1/requests/r7").json["id"] == "r7"
    for wrong in ("0", "1001", "x", "-1", "", "²", "99999999999"):
        assert made.ask("GET", f"/api/v1/requests?limit={wrong}".replace("²", "%C2%B2"), BEARER).status == 400


def test_generations_newest_first() -> None:
    made = Admin()
    made.send("PATCH", SERVER, {"weight": 5})
    made.send("PATCH", SERVER, {"weight": 6})
    found = made.get("/api/v1/generations?limit=2").json
    assert [one["number"] for one in found] == [3, 2]
    assert found[0]["author"] == "the admin token"


def test_the_schedulers_in_use() -> None:
    found = {one["scheduler"]: one["used_by"] for one in Admin().get("/api/v1/schedulers").json}
    assert found == {"wlc": ["pool web"], "sh port": ["pool images"], "rr": ["pool dns"]}


def test_a_check_counts_what_it_found() -> None:
    made = Admin()
    found = (
        Problem("a.ini", 1, 2, "error", "", "", "", "bad", "say good"),
        Problem("a.ini", 3, 1, "warning", "", "", "", "hm"),
    )
    made.control.problems = succeed(found)
    reply = made.send("POST", "/api/v1/config/check", {})
    assert (reply.status, reply.json["errors"], reply.json["warnings"]) == (200, 1, 1)
    assert reply.json["problems"][0] == {
        "severity": "error", "at": "a.ini:1:2", "message": "bad", "hint": "say good",
    }  # fmt: skip
    rehearsed = made.send("POST", "/api/v1/config/reload?dry_run=1", {}).json
    assert (rehearsed["dry_run"], rehearsed["diff"], rehearsed["changes"]) == (True, [], [])


def test_a_refused_reload_names_every_problem() -> None:
    made = Admin()
    made.control.reloaded = ConfigError(("a.ini:1:1: error: x", "a.ini:2:1: error: y"))
    reply = made.send("POST", "/api/v1/config/reload", {})
    assert reply.status == 409
    assert reply.json["problems"] == ["a.ini:1:1: error: x", "a.ini:2:1: error: y"]


@pytest.mark.parametrize("error", [DirectorError("no room"), OSError("no room")])
def test_what_a_reload_could_not_open_is_told(error: Exception) -> None:
    made = Admin()
    made.control.reloaded = error
    reply = made.send("POST", "/api/v1/config/reload", {})
    assert (reply.status, reply.json) == (409, {"error": "nothing was changed: no room", "at": "config"})


def test_the_configuration_is_text() -> None:
    reply = Admin().get("/api/v1/config")
    assert reply.body == b"[director]\nname = edge-1\n"
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_stats_as_figures_and_as_a_piece_of_the_page() -> None:
    made = Admin()
    figures = made.get("/api/v1/stats").json
    assert figures["verdict"]["headline"] == "All is well"
    piece = made.get("/api/v1/stats", Accept="text/html").body.decode()
    assert piece.startswith("<section")
    assert piece in made.get("/").body.decode()


def test_openapi_is_served_to_everybody() -> None:
    reply = Admin().ask("GET", "/openapi.json")
    assert json.loads(reply.body)["info"]["title"] == "The director"


def test_layer_4_as_a_whole() -> None:
    """Totals and rates as for a service (H), and the reasons of drops."""
    made = Admin()
    found = made.get("/api/v1/layer4").json
    assert (found["running"], found["flows"], found["counters"]) == (False, 0, {})
    total = TrafficFigures(shown=(3, 0, 0, 120, 0))
    made.control.whole = PacketFigures(total, {"land": 1, "bad_checksum": 2}, 5)
    found = made.get("/api/v1/layer4").json
    assert (found["running"], found["flows"]) == (True, 5)
    assert (found["traffic"]["conns"], found["traffic"]["inbytes"]) == (3, 120)
    assert list(found["counters"].items()) == [("bad_checksum", 2), ("land", 1)]


def test_connections_of_layer_4_are_listed() -> None:
    made = Admin()
    assert made.get("/api/v1/connections").json == []
    flow = ConnectionEntry(
        "TCP", "192.0.2.7:4711", "198.51.100.1:80", "10.0.0.1:8080", "ESTABLISHED", 899.5, "web", "a",
        "Masq", 3, template=False, id=9,
    )  # fmt: skip
    made.control.flows = [flow, flow]
    [one] = made.get("/api/v1/connections?limit=1").json
    assert one == {
        "protocol": "TCP", "client": "192.0.2.7:4711", "virtual": "198.51.100.1:80",
        "target": "10.0.0.1:8080", "state": "ESTABLISHED", "expires": 899.5,
        "service": "web", "server": "a", "forward": "Masq",
        "packets": 3, "template": False, "id": 9, "engine": "", "data": "", "origin": "LOCAL",
    }  # fmt: skip


def test_connections_are_asked_for_by_who_has_them_and_in_pages() -> None:
    made = Admin()
    made.control.flows = [
        ConnectionEntry("TCP", "c", "v", "t", "NONE", 1.0, "web", "a", "Masq", 3, template=False, id=number)
        for number in (6, 7)
    ]
    query = "limit=1&client=192.0.2.7/24&service=l4:web&server=p/a&after=12"
    answer = made.get(f"/api/v1/connections?{query}")
    network = ipaddress.ip_network("192.0.2.0/24")
    assert made.control.wanted == [ConnectionQuery(1, 12, network, "l4:web", "p/a")]
    link = answer.headers["Link"]
    assert link.startswith("</api/v1/connections?")
    assert "after=7" in link
    assert "client=192.0.2.7%2F24" in link
    assert "Link" not in made.get("/api/v1/connections").headers


@pytest.mark.parametrize("query", ["after=x", "after=-1", "client=nobody", "client=10.0.0.0/33", "after=²"])
def test_what_no_connection_can_be_found_by_is_refused(query: str) -> None:
    assert Admin().get(f"/api/v1/connections?{query}").status == 400


def test_evidence_of_a_server_and_a_check_now() -> None:
    made = Admin()
    made.control.proven = FOUND
    found = made.get("/api/v1/checks/web/a").json
    assert (found["pool"], found["name"], found["health"]) == ("web", "a", "up")
    assert found["checks"][0]["transitions"][0]["reason"] == "status 503"
    assert made.get("/api/v1/checks/web/nobody").status == 404
    assert made.send("POST", "/api/v1/checks/web/a?dry_run=1", {}).json["asked"] == 0
    asked = made.send("POST", "/api/v1/checks/web/a", {}).json
    assert asked == {"dry_run": False, "asked": 1, "checks": ["alive"]}
    assert made.control.hurried == [("web", "127.0.0.1:9001")]
    assert made.send("POST", "/api/v1/checks/web/nobody", {}).status == 404


@pytest.mark.parametrize(
    ("place", "name"),
    [("/api/v1/pools", "name"), ("/api/v1/pools/web/servers", "name"), ("/api/v1/services", "key")],
)
def test_long_lists_come_in_pages(place: str, name: str) -> None:
    made = Admin()
    sample.fill(made.control)
    everything, pages = made.get(place).json, []
    target: str | None = f"{place}?limit=1"
    while target is not None:
        reply = made.get(target)
        pages += reply.json
        assert reply.headers["ETag"]
        link = reply.headers.get("Link", "")
        target = link.partition(">")[0].removeprefix("<") or None
    assert pages == everything
    assert len(everything) > 1
    assert made.get(f"{place}?after={everything[0][name]}").json == everything[1:]
    refused = made.get(f"{place}?after=gone")
    assert (refused.status, refused.json["at"]) == (400, "after")
