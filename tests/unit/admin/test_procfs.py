from __future__ import annotations

import pytest
from attrs import evolve
from twisted.internet.defer import succeed

from director.registry.counters import TrafficFigures
from director.registry.reports import ConnectionEntry, PacketFigures
from tests.unit.admin.wire import Admin


def entry(number: int) -> ConnectionEntry:
    return ConnectionEntry(
        "TCP", f"192.0.2.7:{number}", "198.51.100.1:80", "10.0.0.11:80", "FIN_WAIT", 119.7, "web", "a",
        "Masq", 1, template=False, id=number,
    )  # fmt: skip


def test_services_and_their_servers() -> None:
    """H: heading, addresses and ports in hexadecimal, a blank behind the scheduler, widths."""
    reply = Admin().get("/api/v1/lvs/ip_vs")
    assert (reply.status, reply.headers.get_content_type()) == (200, "text/plain")
    assert reply.body.decode() == (
        "IP Virtual Server version 1.2.1 (size=4096)\n"
        "Prot LocalAddress:Port Scheduler Flags\n"
        "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"
        "UDP  C0000235:0035 rr \n"
        "  -> 7F000001:0035      Masq    1      0          0         \n"
    )


def test_all_connections_page_by_page() -> None:
    admin = Admin()
    admin.control.flows = [entry(number) for number in range(1, 2502)]
    lines = admin.get("/api/v1/lvs/ip_vs_conn").body.decode().splitlines()
    assert lines[0] == "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData"
    assert len(lines) == 2502
    assert "TCP C0000207 0001 C6336401 0050 0A00000B 0050 FIN_WAIT        119" in lines


def test_connections_of_another_process_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    admin = Admin()
    admin.control.flows = [entry(number) for number in range(1, 2502)]
    here = admin.get("/api/v1/lvs/ip_vs_conn").body
    kind = type(admin.control)
    ask = kind.connections
    monkeypatch.setattr(kind, "connections", lambda control, wanted: succeed(ask(control, wanted)))
    assert admin.get("/api/v1/lvs/ip_vs_conn").body == here


def test_who_told_of_a_connection() -> None:
    """H: the same with `Origin` (`%-6s`) before Expires."""
    admin = Admin()
    admin.control.flows = [entry(1), evolve(entry(2), origin="SYNC")]
    lines = admin.get("/api/v1/lvs/ip_vs_conn_sync").body.decode().splitlines()
    assert lines[0] == "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires"
    assert sorted(lines[1:]) == [
        "TCP C0000207 0001 C6336401 0050 0A00000B 0050 FIN_WAIT    LOCAL      119",
        "TCP C0000207 0002 C6336401 0050 0A00000B 0050 FIN_WAIT    SYNC       119",
    ]


def test_the_whole() -> None:
    admin = Admin()
    total = TrafficFigures((99,) * 5, (10, 20, 30, 4096, 65536), (1, 2, 3, 4, 255))
    admin.control.whole = PacketFigures(total, {}, 0)
    text = admin.get("/api/v1/lvs/ip_vs_stats").body.decode()
    assert text.splitlines()[5] == "       1        2        3                4               FF"
    assert text.splitlines()[2] == "       A       14       1E             1000            10000"
    admin.control.whole = None
    assert admin.get("/api/v1/lvs/ip_vs_stats").status == 200


def test_other_names_are_none() -> None:
    reply = Admin().get("/api/v1/lvs/ip_vs_app")
    assert (reply.status, "ip_vs_conn" in reply.json["error"]) == (404, True)
