"""V65, V70: the texts of H, from a forwarder's own figures."""

from __future__ import annotations

from attrs import evolve
from scapy.layers.inet import IP, TCP, UDP

from director.l4 import listing
from director.model.pools import Address, Forward, Pool, SchedulerSpec, Server
from director.model.virtual import L4Service, L4Settings, Virtual
from director.registry import procfs
from director.registry.changes import plan
from director.registry.snapshot import RegistrySnapshot, Snapshots
from tests.support.layer4_world import CLIENT, CLIENT6, VIP, VIP6, World, ip
from tests.support.registries import registry_of


def seen(*services: L4Service, size: int = 12) -> RegistrySnapshot:
    servers = (
        Server("a", Address("10.0.0.11", 8080), weight=2, forward=Forward.DR),
        Server("b", Address("10.0.0.12", 80), forward=Forward.TUN),
        Server("c", Address("2001:db8::c", 80), weight=0),
    )
    pool = Pool("web", servers=servers, scheduler=SchedulerSpec("wlc"))
    settings = L4Settings(conn_tab_bits=size)
    made = registry_of(pool)
    configuration = evolve(made.configuration, l4=services, l4_settings=settings)
    made.apply(plan(made.configuration, configuration), "test", 1.0, 1.0)
    return Snapshots(made).take()


def test_services_as_ip_vs_has_them() -> None:
    """H: hexadecimal in network order, `sched [ops ]`, `persistent <ticks> mask`, widths of a server."""
    web = L4Service("web", Virtual("tcp", "192.0.2.80", 80), "web", persistent=300.0, netmask=24)
    dns = L4Service("dns", Virtual("udp", "192.0.2.53", 53), "web", scheduler=SchedulerSpec("rr"), ops=True)
    six = L4Service(
        "six", Virtual("tcp", "2001:db8::80", 443, family=6), "web", scheduler=SchedulerSpec("sh")
    )
    mark = L4Service("mark", Virtual(fwmark=258), "web")
    lines = "".join(procfs.services(seen(web, dns, six, mark, size=8))).splitlines()
    assert lines[:3] == [
        "IP Virtual Server version 1.2.1 (size=256)",
        "Prot LocalAddress:Port Scheduler Flags",
        "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn",
    ]
    assert [line for line in lines[3:] if not line.startswith("  ")] == [
        "TCP  C0000250:0050 wlc persistent 75000 FFFFFF00",
        "UDP  C0000235:0035 rr ops ",
        "TCP  [2001:0db8:0000:0000:0000:0000:0000:0080]:01BB sh ",
        "FWM  00000102 wlc ",
    ]
    assert lines[4:7] == [
        "  -> [2001:0db8:0000:0000:0000:0000:0000:000c]:0050      Masq    0      0          0         ",
        "  -> 0A00000C:0050      Tunnel  1      0          0         ",
        "  -> 0A00000B:1F90      Route   2      0          0         ",
    ], "newest first"


def test_flow_and_template() -> None:
    world = World(persistent=300.0)
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="S"))
    lines = procfs.connections(listing.connections(world.table, world.now)).splitlines()
    assert lines[0] == "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData"
    assert sorted(lines[1:]) == [
        "TCP C0000209 0000 C0000250 0050 0A00000B 1F90 NONE            300",
        "TCP C0000209 03E8 C0000250 0050 0A00000B 1F90 SYN_RECV         60",
    ]


def test_ipv6_and_engine_data() -> None:
    world = World(family=6, protocol="udp", persistent=60.0, engine="sip", forward=Forward.DR)
    world.client(ip(CLIENT6, VIP6) / UDP(sport=1, dport=80) / b"X y\r\nCall-ID: abc\r\n\r\n")
    text = procfs.connections(listing.connections(world.table, world.now))
    assert "UDP 2001:0db8:0001:0000:0000:0000:0000:0009 0001" in text
    assert " sip abc\n" in text


def test_stats() -> None:
    world = World()
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="S"))
    lines = procfs.stats(world.forwarder.total.figures()).splitlines()
    assert lines[2] == "       1        1        0               28                0"
    assert lines[5] == "       0        0        0                0                0"
