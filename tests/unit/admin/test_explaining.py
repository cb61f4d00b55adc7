from __future__ import annotations

from typing import Any

import pytest

from director.registry.reports import ConnectionEntry
from tests.unit.admin.wire import Admin

TOLD = {
    "service": "l4:dns", "pool": "dns", "server": "d", "scheduler": "rr", "candidates": 1, "forward": "nat",
    "load": 0, "weight": 1, "persistent": 300.0, "prefix": 24, "why_none": "",
}  # fmt: skip
PACKET = {"protocol": "udp", "client": "192.0.2.9:40000", "virtual": "192.0.2.53:53"}


def entry(client: str, *, template: bool) -> ConnectionEntry:
    return ConnectionEntry(
        "UDP", client, "192.0.2.53:53", "10.0.0.1:53", "UDP", 17.0, "l4:dns", "d", "Masq", 1, template
    )


def admin(*flows: ConnectionEntry, **told: Any) -> Admin:
    made = Admin()
    made.control.packet_told = {**TOLD, **told}
    made.control.flows = list(flows)
    return made


def test_a_new_packet_is_told_from_the_service_to_the_server() -> None:
    made = admin()
    reply = made.send("POST", "/api/v1/explain", PACKET)
    assert reply.status == 200
    assert reply.json["bound"] == ""
    assert reply.json["considered"] == [
        {"server": "d", "status": "up", "eligible": True, "load": 0, "weight": 1}
    ]
    assert reply.json["story"] == [
        "l4:dns takes udp packets for 192.0.2.53:53",
        "pool dns",
        "1 of 1 servers eligible",
        "rr chose d: load 0, weight 1",
        "forwarded by nat",
    ]
    own, network = made.control.wanted
    assert (str(own.client), str(network.client)) == ("192.0.2.9/32", "192.0.2.0/32")


@pytest.mark.parametrize(
    ("known", "bound", "sentence"),
    [
        (entry("192.0.2.9:40000", template=False), "flow", "the flow is known and goes to d, for 17 s more"),
        (entry("192.0.2.0:0", template=True), "template", "a template binds the client to d, for 17 s more"),
        (entry("192.0.2.9:40001", template=False), "", "rr chose d: load 0, weight 1"),
    ],
)
def test_what_is_known_of_the_client_decides_first(known: ConnectionEntry, bound: str, sentence: str) -> None:
    told = admin(known).send("POST", "/api/v1/explain", PACKET).json
    assert told["bound"] == bound
    assert sentence in told["story"]


def test_nobody_is_told_with_the_reason() -> None:
    told = admin(server="", scheduler=None, candidates=0, why_none="every server is down").send(
        "POST", "/api/v1/explain", PACKET
    )
    assert told.json["story"][-1] == "nobody can be chosen: every server is down"


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"protocol": "icmp"}, "protocol"),
        ({"client": "192.0.2.9"}, "client"),
        ({"client": "www.example.org:1"}, "client"),
        ({"client": "[2001:db8::1]:1"}, "client"),
        ({"virtual": "x"}, "virtual"),
        ({"mark": -1}, "mark"),
        ({"down": ["d"]}, "down"),
        ({"url": "http://a/"}, "url"),
    ],
)
def test_what_is_no_packet_is_refused_with_the_field(change: dict[str, Any], at: str) -> None:
    reply = admin().send("POST", "/api/v1/explain", {**PACKET, **change})
    assert (reply.status, reply.json["at"]) == (400, at)


def test_what_no_service_takes_is_said() -> None:
    reply = Admin().send("POST", "/api/v1/explain", PACKET)
    assert reply.status == 400
    assert "cannot be decided" in reply.json["error"]
