from __future__ import annotations

from typing import Any

from director.cli.lvs import combined
from tests.unit.cli.memory import MemoryClient

SIX = {"name": "l4:six", "virtual": "tcp [2001:db8::80]:80", "pool": "v6", "persistent": "60s"}


def found() -> list[dict[str, Any]]:
    client = MemoryClient()
    orders: tuple[tuple[str, dict[str, Any]], ...] = (
        ("pools", {"name": "v6", "scheduler": "sh port"}),
        ("pools/v6/servers", {"name": "z", "address": "[2001:db8::9]:80", "forward": "dr", "weight": 3}),
        ("pools/v6/servers", {"name": "b", "address": "[2001:db8::1]:80"}),
        (
            "services",
            SIX,
        ),
        ("services", {"name": "l4:mark", "virtual": "fwmark 5", "pool": "v6", "forward": "tun"}),
    )
    for place, order in orders:
        client.post(*place.split("/"), order=order)
    pools = {one["name"]: one for one in client.get("pools")}
    return combined.rows(client.get("services"), pools, client.get("rules"))


def test_services_of_layer_4_stand_as_ipvsadm_has_them() -> None:
    """I.3: by mark, family, protocol; servers by address, forwarding in its words, numbers and blanks."""
    text = combined.text([one for one in found() if one["service"].startswith("l4:")], 4096)
    assert text.splitlines() == [
        "IP Virtual Server version 1.2.1 (size=4096)",
        "Prot LocalAddress:Port Scheduler Flags",
        "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn",
        "UDP  192.0.2.53:53 rr",
        "  -> 127.0.0.1:53                 Masq    1      0          0         ",
        "TCP  [2001:db8::80]:80 sh (sh-port) persistent 60",
        "  -> [2001:db8::1]:80             Masq    1      0          0         ",
        "  -> [2001:db8::9]:80             Route   3      0          0         ",
        "FWM  5 sh (sh-port)",
        "  -> [2001:db8::1]:80             Tunnel  1      0          0         ",
        "  -> [2001:db8::9]:80             Route   3      0          0         ",
    ]


def test_a_service_of_layer_7_has_a_row_for_each_address_and_all_its_servers() -> None:
    www = [one for one in found() if one["service"] == "l7:www"]
    assert [one["address"] for one in www] == ["127.0.0.1:8080", "[::1]:8080"]
    assert [one["server"] for one in www[0]["servers"]] == ["web/a", "web/b", "web/s", "images/i"]
    lines = combined.text(www, 4096).splitlines()
    assert lines[3].startswith("HTTP 127.0.0.1:8080 ")
    assert lines[3].endswith(" l7:www")
    assert lines[4] == "  -> 127.0.0.1:9001               Proxy   2      0          0         "


def test_a_server_has_its_own_name() -> None:
    six = next(one for one in found() if one["service"] == "l4:six")
    assert [(one["server"], one["address"]) for one in six["servers"]] == [
        ("v6/b", "[2001:db8::1]:80"), ("v6/z", "[2001:db8::9]:80"),
    ]  # fmt: skip
    assert combined.WRITTEN not in combined.plain(six)
