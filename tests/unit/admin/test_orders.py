from __future__ import annotations

import pytest

from director.admin.orders import LOOK_SECONDS
from director.registry.ledger import claim
from tests.unit.admin.wire import BEARER, Admin, parsed

SERVER = {"name": "c", "address": "10.0.0.13:8080", "weight": 2}


def test_a_server_comes_and_goes() -> None:
    made = Admin()
    reply = made.send("POST", "/api/v1/pools/web/servers", SERVER)
    assert (reply.status, reply.headers["Location"]) == (201, "/api/v1/pools/web/servers/c")
    assert reply.json["diff"] == ["server web/c added at 10.0.0.13:8080"]
    shown = made.get(reply.headers["Location"]).json
    assert (shown["address"], shown["weight"]) == ("10.0.0.13:8080", 2)
    gone = made.ask("DELETE", reply.headers["Location"], BEARER)
    assert (gone.status, gone.body, gone.headers["Content-Length"]) == (204, b"", None)
    assert made.get("/api/v1/pools/web/servers/c").status == 404
    assert made.ask("DELETE", reply.headers["Location"], BEARER).status == 404


def test_a_pool_a_service_and_a_rule() -> None:
    made = Admin()
    assert made.send("POST", "/api/v1/pools", {"name": "new", "scheduler": "rr"}).status == 201
    assert made.send("POST", "/api/v1/pools", {"name": "new"}).status == 409
    service = {"name": "l7:shop", "listen": "127.0.0.1:8081", "pool": "new"}
    assert made.send("POST", "/api/v1/services", service).headers["Location"] == "/api/v1/services/l7:shop"
    rule = {"name": "50 shop", "service": "shop", "when": "path ^= /s", "pool": "web"}
    assert made.send("POST", "/api/v1/rules", rule).status == 201
    assert made.get("/api/v1/rules/50").json["action"] == "pool web"
    assert made.send("PATCH", "/api/v1/rules/50", {"pool": "new"}).status == 200
    assert made.get("/api/v1/rules/50").json["action"] == "pool new"
    assert made.ask("DELETE", "/api/v1/pools/new", BEARER).status == 409, "it is in use"
    assert made.ask("DELETE", "/api/v1/services/l7:shop", BEARER).status == 409, "it has a rule"
    for place in ("rules/50", "services/l7:shop", "pools/new"):
        assert made.ask("DELETE", f"/api/v1/{place}", BEARER).status == 204


def test_settings_of_a_pool_and_a_service() -> None:
    made = Admin()
    reply = made.send("PATCH", "/api/v1/pools/web", {"scheduler": "sh port"})
    assert (reply.status, made.get("/api/v1/pools/web").json["scheduler"]) == (200, "sh port")
    assert made.send("PATCH", "/api/v1/pools/web", {"scheduler": "sh port"}).json["diff"] == []
    assert made.send("PATCH", "/api/v1/pools/web", {}).status == 400
    assert made.send("PATCH", "/api/v1/services/l7:www", {"pool": "none"}).json["at"] == "pool"
    assert made.send("PATCH", "/api/v1/services/l7:www", {"pool": "images"}).status == 200


@pytest.mark.parametrize(
    ("method", "path", "order"),
    [
        ("POST", "/api/v1/pools/web/servers", SERVER),
        ("POST", "/api/v1/pools", {"name": "new"}),
        ("PATCH", "/api/v1/pools/web", {"scheduler": "rr"}),
        ("POST", "/api/v1/services", {"name": "l7:x", "listen": ":81", "pool": "web"}),
        ("POST", "/api/v1/rules", {"name": "1 x", "service": "www", "respond": "404"}),
    ],
)
def test_every_order_can_be_rehearsed_and_guarded(method: str, path: str, order: dict[str, object]) -> None:
    made = Admin()
    rehearsed = made.send(method, f"{path}?dry_run=1", order)
    assert (rehearsed.status, rehearsed.json["dry_run"]) == (200, True)
    assert rehearsed.json["diff"]
    assert made.control.registry.generation == 1
    assert made.send(method, path, order, If_Match='"5eed-g9"').status == 412
    assert made.control.registry.generation == 1
    assert made.send(method, path, order, If_Match='"5eed-g1"').status in {200, 201}


def test_a_server_with_work_is_not_removed_by_accident() -> None:
    made = Admin()
    lease = claim(made.control.registry.pools["web"].servers[0])
    path = "/api/v1/pools/web/servers/a"
    reply = made.ask("DELETE", path, BEARER)
    assert (reply.status, reply.json["at"]) == (409, "web/a")
    assert made.ask("DELETE", f"{path}?drain=soon", BEARER).status == 400
    assert made.ask("DELETE", f"{path}?force=1", BEARER).status == 204
    lease.release()


def test_a_drain_waits_for_the_last_one() -> None:
    made = Admin()
    lease = claim(made.control.registry.pools["web"].servers[0])
    protocol, transport = made.connect()
    head = f"DELETE /api/v1/pools/web/servers/a?drain=20s HTTP/1.1\r\nHost: localhost\r\n{AUTH}\r\n\r\n"
    protocol.dataReceived(head.encode())
    made.clock.pump([LOOK_SECONDS] * 8)
    assert transport.value() == b""
    server = made.control.snapshot().server("web", "a")
    assert server is not None
    assert server.state.value == "drain"
    lease.release()
    made.clock.pump([LOOK_SECONDS] * 2)
    assert parsed(transport.value(), "DELETE").status == 204
    assert made.control.snapshot().server("web", "a") is None


def test_patience_ends() -> None:
    made = Admin()
    lease = claim(made.control.registry.pools["web"].servers[0])
    protocol, transport = made.connect()
    head = f"DELETE /api/v1/pools/web/servers/a?drain=1s HTTP/1.1\r\nHost: localhost\r\n{AUTH}\r\n\r\n"
    protocol.dataReceived(head.encode())
    made.clock.pump([LOOK_SECONDS] * 8)
    assert parsed(transport.value(), "DELETE").status == 204
    assert lease.server.active == 1, "what it holds goes on"


def test_a_generation_is_shown_and_undone() -> None:
    made = Admin()
    made.send("PATCH", "/api/v1/pools/web/servers/a", {"weight": 9})
    assert made.get("/api/v1/generations/2").json["diff"] == ["server web/a now weight=9 max=200 min=0"]
    assert made.get("/api/v1/generations/99").status == 404
    assert made.send("POST", "/api/v1/generations/2/undo?dry_run=1", {}).json["diff"]
    assert made.send("POST", "/api/v1/generations/2/undo", {}).status == 200
    server = made.control.snapshot().server("web", "a")
    assert server is not None
    assert server.weight == 2
    assert made.send("POST", "/api/v1/generations/99/undo", {}).status == 404
    assert made.send("POST", "/api/v1/generations/x/undo", {}).status == 404


AUTH = f"Authorization: {BEARER['Authorization']}"


def test_a_layer_4_service_in_all_its_settings() -> None:
    made = Admin()
    order = {
        "name": "l4:sip", "virtual": "udp 192.0.2.5:5060", "pool": "web", "scheduler": "sh port",
        "persistent": "300s", "netmask": 24, "ops": True, "pe": "sip",
    }  # fmt: skip
    assert made.send("POST", "/api/v1/services", order).status == 201
    shown = made.get("/api/v1/services/l4:sip").json
    assert {key: shown[key] for key in ("virtual", "scheduler", "persistent", "netmask", "ops", "pe")} == {
        "virtual": "udp 192.0.2.5:5060", "scheduler": "sh port", "persistent": 300.0, "netmask": 24,
        "ops": True, "pe": "sip",
    }  # fmt: skip
    changed = {"scheduler": "rr", "persistent": None, "netmask": None, "ops": None, "pe": None}
    assert made.send("PATCH", "/api/v1/services/l4:sip", changed).status == 200
    shown = made.get("/api/v1/services/l4:sip").json
    assert [shown[key] for key in ("scheduler", "persistent", "netmask", "ops", "pe")] == [
        "rr", None, None, False, None,
    ]  # fmt: skip
    other = {"name": "l4:other", "virtual": "udp 192.0.2.5:5060", "pool": "web"}
    assert made.send("POST", "/api/v1/services", other).status == 409


def test_how_layer_4_reaches_a_server() -> None:
    made = Admin()
    path = "/api/v1/pools/web/servers/a"
    order = {"forward": "tun", "tunnel": "gue:6080,csum", "weight": 4}
    assert made.send("PATCH", path, order).status == 200
    shown = made.get(path).json
    assert (shown["forward"], shown["tunnel"], shown["weight"]) == ("tun", "gue:6080,csum", 4)
    for key, value in (("forward", "dsr"), ("forward", 1), ("tunnel", "gue")):
        reply = made.send("PATCH", path, {key: value})
        assert (reply.status, reply.json["at"]) == (400, key)


def test_settings_of_layer_4_while_it_runs() -> None:
    made = Admin()
    before = made.get("/api/v1/layer4").json
    assert (before["size"], before["timeouts"]) == (4096, {"tcp": 900.0, "tcpfin": 120.0, "udp": 300.0})
    assert made.send("PATCH", "/api/v1/layer4", {"timeout.tcp": "1h"}).status == 200
    assert made.get("/api/v1/layer4").json["timeouts"]["tcp"] == 3600.0
    assert made.send("PATCH", "/api/v1/layer4", {"timeout.tcp": "1h"}).json["diff"] == []
    assert made.send("PATCH", "/api/v1/layer4", {"timeout.tcp": "60"}).json["at"] == "timeout.tcp"


def test_counting_anew() -> None:
    made = Admin()
    registry = made.control.registry
    service, server = registry.services["l7:www"], registry.pools["web"].servers[0]
    service.stats.traffic.cells[0] = server.stats.traffic.cells[0] = 5
    path = "/api/v1/services/l7:www"
    assert made.get(path).json["traffic"]["conns"] == 5
    made.send("POST", f"{path}/zero?dry_run=1", {})
    assert made.get(path).json["traffic"]["conns"] == 5
    assert made.send("POST", f"{path}/zero", {}).json == {
        "dry_run": False,
        "zeroed": ["l7:www"],
        "diff": ["traffic of l7:www is shown from 0 on"],
    }
    assert made.get(path).json["traffic"]["conns"] == 0
    assert made.get("/api/v1/pools/web/servers/a").json["traffic"]["conns"] == 0
    assert service.stats.traffic.conns == 5, "the metrics go on"
    assert made.send("POST", "/api/v1/services/l7:none/zero", {}).status == 404
    assert "l7:www" in made.send("POST", "/api/v1/zero", {}).json["zeroed"]
    assert registry.generation == 1, "nothing that runs has changed"
