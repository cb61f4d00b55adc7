"""Hand-made packets through the whole program, compared byte for byte (`lvs-semantics` D, E; table L).

What must come out is built by scapy from the reference, never taken from the program.
"""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption, defragment, fragment
from scapy.layers.inet6 import ICMPv6PacketTooBig, ICMPv6TimeExceeded, IPv6
from scapy.layers.sctp import SCTP, SCTPChunkData, SCTPChunkInit, SCTPChunkInitAck
from scapy.packet import Packet, Raw

from tests.integration.l4.bed import wait_for
from tests.integration.l4.wire_judge import PATIENCE, Judged, Wire, directed, parsed, rebuilt, right, syn

CLIENT, NAT, DR, NAT6, DR6 = (
    "10.0.0.2",
    "198.51.100.10",
    "198.51.100.11",
    "2001:db8:100::10",
    "2001:db8:100::11",
)
CLIENT6 = "fd00:10::2"
IPIP, GRE, GUE, IN4 = "198.51.100.12", "198.51.100.13", "198.51.100.14", "2001:db8:100::12"
ROUTER_ALERT = IPOption(b"\x94\x04\x00\x00")

POOLS = {
    "web": ("172.16.0.2:8080", "172.16.0.3:8080"),
    "one": ("172.16.0.2:80",),
    "dns": ("172.16.0.2:5353", "172.16.0.3:5353"),
    "calls": ("172.16.0.2:5060", "172.16.0.3:5060"),
    "off": ("172.16.0.2:80 weight=0",),
    "ipip": ("172.16.0.4:80 tunnel=ipip",),
    "gre": ("172.16.0.5:80 tunnel=gre",),
    "gue": ("172.16.0.6:80 tunnel=gue:6080",),
    "web6": ("[fd00:16::2]:8080",),
}
SERVICES = (
    (f"tcp {NAT}:80", "web", "nat", ""),
    (f"udp {NAT}:53", "dns", "nat", ""),
    (f"tcp {NAT}:81", "off", "nat", ""),
    (f"udp {NAT}:81", "off", "nat", ""),
    (f"tcp {DR}:80", "one", "dr", ""),
    (f"udp {DR}:53", "dns", "dr", ""),
    (f"tcp {IPIP}:80", "ipip", "tun", ""),
    (f"tcp {GRE}:80", "gre", "tun", ""),
    (f"tcp {GUE}:80", "gue", "tun", ""),
    (f"sctp {NAT}:2905", "web", "nat", ""),
    (f"tcp [{NAT6}]:80", "web6", "nat", ""),
    (f"tcp [{DR6}]:80", "web6", "dr", ""),
    (f"tcp [{IN4}]:80", "ipip", "tun", ""),
    (f"udp {NAT}:5000", "dns", "nat", "ops = yes"),
    (f"udp {NAT}:5060", "calls", "nat", "persistent = 60s\npe = sip"),
    ("tcp 198.51.100.15:80", "web", "nat", "persistent = 60s\nnetmask = 24"),
    ("tcp 198.51.100.16:0", "web", "nat", "persistent = 60s"),
    ("fwmark 7", "web", "nat", "persistent = 60s"),
)
HEAD = """
[director]
name = judge
state_dir = state
shutdown_grace = 0s

[l7:www]
listen = :8088
pool = one

[l4]
interfaces = d0, d1
mark.7 = tcp 198.51.100.40:80, tcp 198.51.100.41:443
"""


def configuration() -> str:
    parts = [HEAD]
    for name, servers in POOLS.items():
        lines = [f"server.s{number} = {server}" for number, server in enumerate(servers)]
        parts.append("\n".join([f"[pool:{name}]", "scheduler = rr", *lines]))
    for number, (virtual, pool, forward, more) in enumerate(SERVICES):
        parts.append(f"[l4:v{number}]\nvirtual = {virtual}\npool = {pool}\nforward = {forward}\n{more}")
    return "\n\n".join(parts) + "\n"


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    with directed(tmp_path_factory.mktemp("judge"), configuration()) as made:
        yield made


def again(packet: Packet) -> bytes:
    """`packet` as it must look on the wire, checksums by scapy."""
    return rebuilt(packet.__class__(bytes(packet)))


def tcp(to: str, sport: int, flags: str = "S", dport: int = 80, data: bytes = b"", **fields: Any) -> Packet:
    six = ":" in to
    ip = (IPv6 if six else IP)(src=CLIENT6 if six else CLIENT, dst=to, **fields)
    return ip / TCP(sport=sport, dport=dport, flags=flags, seq=7, ack=2) / Raw(data)


def opened(bed: Judged, packet: Packet) -> Packet:
    bed.client.put(packet)
    return bed.server.ip()


def only_icmp(bed: Judged, kind: int, code: int) -> Packet:
    """The one packet that the client got is this error, with right checksums; the server got nothing."""
    packet = bed.client.ip()
    assert (packet[ICMP].type, packet[ICMP].code) == (kind, code)
    assert right(packet)
    assert not bed.server.frames(0.03)
    return packet


# --- NAT -------------------------------------------------------------------------------------


def test_nat_in_and_out_change_nothing_but_what_they_must(bed: Judged) -> None:
    """V36: TOS, DF, identification, options, odd lengths stay; TTL goes down; checksums are right."""
    options = [("MSS", 1460), ("WScale", 7)]
    first = IP(src=CLIENT, dst=NAT, tos=0x2B, id=4711, flags="DF", ttl=33, options=[ROUTER_ALERT])
    sent = first / TCP(sport=2000, dport=80, flags="S", seq=7, options=options) / b"odd"
    bed.client.put(sent)
    frame = bed.server.get()
    assert (frame[0:6], frame[6:12]) == (bed.server.mac, bed.server.peer)
    server = parsed(frame).dst
    sent.dst, sent.ttl, sent[TCP].dport = server, 32, 8080
    assert frame[14:] == again(sent)
    answer = IP(src=server, dst=CLIENT, tos=1, id=99, flags="DF") / TCP(sport=8080, dport=2000, flags="SA")
    bed.server.put(answer)
    answer.src, answer.ttl, answer[TCP].sport = NAT, 63, 80
    assert bytes(bed.client.ip()) == again(answer)
    for number in range(3):
        data = tcp(NAT, 2000, "A", data=b"x" * (5 + number), tos=3, id=number, ttl=2)
        got = opened(bed, data)
        data.dst, data.ttl, data[TCP].dport = server, 1, 8080
        assert bytes(got) == again(data)


def test_a_short_frame_is_padded_and_a_broken_one_is_not_healed(bed: Judged) -> None:
    opened(bed, tcp(NAT, 2010))
    packet = bytes(tcp(NAT, 2010, "A"))
    bed.client.raw(bed.client.peer + bed.client.mac + b"\x08\x00" + packet + bytes(6))
    assert right(IP(bed.server.get()[14:54]))
    broken = IP(packet)
    broken[TCP].chksum ^= 0x5555
    bed.client.put(broken)
    assert not any(right(parsed(frame)) for frame in bed.server.frames())
    broken = IP(packet)
    broken.chksum ^= 0x1111
    bed.client.put(broken)
    assert not bed.server.frames()


def test_a_priority_tag_is_no_other_network(bed: Judged) -> None:
    bed.client.put(tcp(NAT, 2020), tag=b"\x81\x00\x60\x00")
    assert right(bed.server.ip())


def test_udp_checksums(bed: Judged) -> None:
    """V36, D.3: none becomes a complete one; a result of 0 is written 0xffff; DR leaves all as it is."""
    bed.client.put(IP(src=CLIENT, dst=NAT) / UDP(sport=3000, dport=53, chksum=0) / b"xxxxx")
    got = bed.server.ip()
    assert got[UDP].chksum
    assert right(got)
    want = IP(bytes(IP(src=CLIENT, dst=got.dst) / UDP(sport=3000, dport=5353) / b"\0\0"))[UDP].chksum
    for _ in range(2):
        bed.client.put(IP(src=CLIENT, dst=NAT) / UDP(sport=3000, dport=53) / want.to_bytes(2, "big"))
        assert bed.server.ip()[UDP].chksum == 0xFFFF
        bed.client.put(IP(src=CLIENT, dst=DR) / UDP(sport=3000, dport=53, chksum=0) / b"x")
        assert bed.server.ip()[UDP].chksum == 0


def test_ipv6(bed: Judged) -> None:
    for virtual in (NAT6, DR6):
        for flags in ("S", "A", "A"):
            packet = tcp(virtual, 2030, flags, data=b"odd", tc=0x2B, fl=77, hlim=33)
            got = opened(bed, packet)
            packet.hlim = 32
            if virtual == NAT6:
                packet.dst, packet[TCP].dport = "fd00:16::2", 8080
            assert bytes(got) == again(packet)
    bed.server.put(IPv6(src="fd00:16::2", dst=CLIENT6, hlim=9) / TCP(sport=8080, dport=2030, flags="SA"))
    got = bed.client.ip()
    assert (got.src, got[TCP].sport, got.hlim, right(got)) == (NAT6, 80, 8, True)
    bed.client.put(tcp(NAT6, 2030, "A", hlim=1))
    assert bed.client.ip().haslayer(ICMPv6TimeExceeded)


def test_sctp(bed: Judged) -> None:
    first = IP(src=CLIENT, dst=NAT) / SCTP(sport=2040, dport=2905) / SCTPChunkInit(init_tag=5)
    got = opened(bed, first)
    first.dst, first.ttl, first[SCTP].dport = got.dst, 63, 8080
    assert bytes(got) == bytes(IP(bytes(first)))
    bed.server.put(IP(src=got.dst, dst=CLIENT) / SCTP(sport=8080, dport=2040) / SCTPChunkInitAck(init_tag=6))
    back = bed.client.ip()
    assert (back.src, back[SCTP].sport) == (NAT, 2905)
    bed.client.put(IP(src=CLIENT, dst=NAT) / SCTP(sport=2041, dport=2905) / SCTPChunkData(data=b"x"))
    assert not bed.server.frames()


# --- DR and TUN --------------------------------------------------------------------------------


def test_dr_changes_the_ttl_alone(bed: Judged) -> None:
    """V37."""
    for flags in ("S", "A", "A"):
        packet = IP(src=CLIENT, dst=DR, tos=0x2B, id=7, flags="DF", ttl=33, options=[ROUTER_ALERT])
        packet /= TCP(sport=2100, dport=80, flags=flags) / b"odd"
        bed.client.put(packet)
        frame = bed.server.get()
        packet.ttl = 32
        assert frame[14:] == again(packet)
        assert frame[0:6] == bed.server.mac


@pytest.mark.parametrize(("virtual", "protocol", "head"), [(IPIP, 4, 20), (GRE, 47, 24), (GUE, 17, 32)])
def test_tunnels(bed: Judged, virtual: str, protocol: int, head: int) -> None:
    """V38, V39: the outer header; an inner CE becomes an outer ECT(0) (RFC 3168)."""
    for tos, outer, flags in ((0x2B, 0x2A, "DF"), (2, 2, ""), (0, 0, "")):
        packet = IP(src=CLIENT, dst=virtual, tos=tos, id=7, flags=flags, ttl=33)
        packet /= TCP(sport=2110, dport=80, flags="S") / b"odd"
        got = opened(bed, packet)
        packet.ttl = 32
        assert bytes(got)[head:] == again(packet)
        assert (got.src, got.ttl, got.tos, str(got.flags)) == ("172.16.0.1", 32, outer, flags)
        assert (got.proto, got.len, right(IP(bytes(got)[:20]))) == (protocol, head + len(bytes(packet)), True)
        between = bytes(got)[20:head]
        if virtual == GRE:
            assert between == b"\0\0\x08\0"
        if virtual == GUE:
            assert between[2:4] + between[6:12] == (6080).to_bytes(2, "big") + b"\0\0" + b"\0\x04\0\0"


def test_version_6_in_a_tunnel_of_version_4(bed: Judged) -> None:
    got = opened(bed, tcp(IN4, 2120, tc=0x2B, fl=77, hlim=33))
    assert (got.proto, got.ttl, got.tos) == (41, 32, 0x2A)


# --- TTL, MTU, ICMP ------------------------------------------------------------------------------


@pytest.mark.parametrize("virtual", [NAT, DR, IPIP])
def test_ttl_1_ends_here(bed: Judged, virtual: str) -> None:
    """V42; the error quotes the packet as it came."""
    packet = bytes(tcp(virtual, 2200, ttl=1))
    bed.client.put(packet)
    error = only_icmp(bed, 11, 0)
    quote = bytes(error[ICMP].payload)
    assert packet.startswith(quote)
    assert error.dst == CLIENT


@pytest.fixture
def narrow(bed: Judged) -> Iterator[Judged]:
    """The servers' link takes 1300 bytes."""
    opened(bed, tcp(NAT, 2209))
    large = IP(src=CLIENT, dst=NAT, flags="DF") / TCP(sport=2209, dport=80, flags="A") / (b"z" * 1360)

    def heard(who: Wire) -> bool:
        bed.client.put(large)
        return bool(who.frames(0.2, 1))

    bed.net.run(bed.here, "ip", "link", "set", "d1", "mtu", "1300")
    wait_for(lambda: heard(bed.client))
    bed.drain_wires()
    yield bed
    bed.net.run(bed.here, "ip", "link", "set", "d1", "mtu", "1500")
    wait_for(lambda: heard(bed.server))
    bed.drain_wires()


def test_what_is_too_large_for_the_way(narrow: Judged) -> None:
    """V43: DF gets frag-needed with the method's MTU; without DF the packet arrives in fragments."""
    for virtual, mtu in ((NAT, 1300), (DR, 1300), (IPIP, 1280), (GRE, 1276), (GUE, 1268)):
        opened(narrow, tcp(virtual, 2210))
        large = b"z" * 1300
        narrow.client.put(
            IP(src=CLIENT, dst=virtual, flags="DF") / TCP(sport=2210, dport=80, flags="A") / large
        )
        assert only_icmp(narrow, 3, 4)[ICMP].nexthopmtu == mtu
        narrow.client.put(IP(src=CLIENT, dst=virtual, id=77) / TCP(sport=2210, dport=80, flags="A") / large)
        assert [len(frame) <= 1314 for frame in narrow.server.frames(PATIENCE, 2)] == [True, True]
    opened(narrow, tcp(NAT6, 2211))
    narrow.client.put(tcp(NAT6, 2211, "A", data=b"z" * 1320))
    assert narrow.client.ip()[ICMPv6PacketTooBig].mtu == 1300


def test_errors_of_the_servers_side_come_as_from_the_virtual_address(bed: Judged) -> None:
    """V32, also when a router says it; a bad checksum is dropped."""
    got = opened(bed, tcp(NAT, 2220))
    for source, kind, code in ((got.dst, 3, 3), ("172.16.0.7", 11, 0)):
        bed.server.put(IP(src=source, dst=CLIENT) / ICMP(type=kind, code=code) / bytes(got)[:28])
        error = bed.client.ip()
        inner = bytes(error[ICMP].payload)
        assert (error.src, error.dst, error.ttl, right(error)) == (NAT, CLIENT, 63, True)
        assert (inner[16:20], inner[22:24]) == (socket.inet_aton(NAT), b"\0\x50")
        assert right(IP(inner[:20]))
    forged = IP(bytes(IP(src=got.dst, dst=CLIENT) / ICMP(type=3, code=3) / bytes(got)[:28]))
    forged[ICMP].chksum ^= 1
    bed.server.put(forged)
    assert not bed.client.frames()


def test_errors_about_other_traffic_to_a_server_pass_as_they_are(bed: Judged) -> None:
    inner = IP(src=CLIENT, dst="172.16.0.2") / TCP(sport=9, dport=8080)
    bed.server.put(
        IP(src="172.16.0.2", dst=CLIENT) / ICMP(type=3, code=4, nexthopmtu=1300) / bytes(inner)[:28]
    )
    error = bed.client.ip()
    assert (error.src, error[ICMP].nexthopmtu) == ("172.16.0.2", 1300)


def test_errors_of_the_clients_side_reach_the_server(bed: Judged) -> None:
    """V31, for NAT with the inner packet translated, for DR as it is."""
    server = opened(bed, tcp(NAT, 2230)).dst
    bed.server.put(IP(src=server, dst=CLIENT) / TCP(sport=8080, dport=2230, flags="SA"))
    seen = bed.client.ip()
    bed.client.put(IP(src="10.0.0.8", dst=NAT) / ICMP(type=3, code=4, nexthopmtu=1300) / bytes(seen)[:28])
    error = bed.server.ip()
    inner = bytes(error[ICMP].payload)
    assert (error.src, error.dst, error[ICMP].nexthopmtu, right(error)) == ("10.0.0.8", server, 1300, True)
    assert (inner[12:16], inner[20:22]) == (socket.inet_aton(server), (8080).to_bytes(2, "big"))
    opened(bed, tcp(DR, 2231))
    inner = bytes(IP(src=DR, dst=CLIENT) / TCP(sport=80, dport=2231, flags="A"))[:28]
    said = IP(src="10.0.0.8", dst=DR) / ICMP(type=3, code=4, nexthopmtu=1300) / inner
    bed.client.put(said)
    assert bytes(bed.server.ip())[20:] == bytes(said)[20:]


def test_a_tunnels_path_is_learnt_and_told(bed: Judged) -> None:
    """D.6: frag-needed about the tunnel becomes one about what it carried."""
    outer = opened(bed, _df(IPIP, 2240, "S", 100))
    told = ICMP(type=3, code=4, nexthopmtu=1400) / bytes(outer)[:60]
    bed.server.put(IP(src="172.16.0.7", dst="172.16.0.1") / told)
    assert only_icmp(bed, 3, 4)[ICMP].nexthopmtu == 1380
    bed.client.put(_df(IPIP, 2240, "A", 1345))
    assert only_icmp(bed, 3, 4)[ICMP].nexthopmtu == 1380


def _df(to: str, sport: int, flags: str, size: int) -> Packet:
    return IP(src=CLIENT, dst=to, flags="DF") / TCP(sport=sport, dport=80, flags=flags) / Raw(b"q" * size)


# --- fragments -----------------------------------------------------------------------------------


@pytest.mark.parametrize("virtual", [NAT, DR])
@pytest.mark.parametrize("order", [1, -1])
def test_a_fragmented_datagram_reaches_one_server_whole(bed: Judged, virtual: str, order: int) -> None:
    """V35."""
    body = bytes(range(256)) * 12
    ident = 500 + order + (10 if virtual == DR else 0)
    bed.client.put(
        *fragment(IP(src=CLIENT, dst=virtual, id=ident) / UDP(sport=2300, dport=53) / body, 1400)[::order]
    )
    came = [parsed(frame) for frame in bed.server.frames(PATIENCE, 3)]
    whole = defragment([IP(bytes(one)) for one in came])
    assert len(whole) == 1
    assert bytes(whole[0])[28:] == body
    assert not bed.client.frames()


def test_overlapping_fragments_are_dropped(bed: Judged) -> None:
    first, second, *rest = fragment(
        IP(src=CLIENT, dst=NAT, id=600) / UDP(sport=2301, dport=53) / (b"a" * 2000), 800
    )
    over = second.copy()
    over.frag -= 2
    bed.client.put(first, over, second, *rest)
    assert not bed.server.frames(0.2)


# --- what is not the director's --------------------------------------------------------------------


def test_other_ports_of_the_virtual_address_are_the_hosts(bed: Judged) -> None:
    """V45: a listener of layer 7, a closed port, an ACK without flow, echo."""
    for sport, dport, flags, want in ((2400, 8088, "S", "SA"), (2401, 9999, "S", "RA"), (2402, 80, "A", "R")):
        bed.client.put(tcp(NAT, sport, flags, dport=dport))
        answer = bed.client.ip()
        assert (answer.src, answer[TCP].dport, str(answer[TCP].flags)) == (NAT, sport, want)
        if want == "SA":
            bed.client.put(_reset(sport, dport, answer))
    bed.client.put(IP(src=CLIENT, dst=NAT) / ICMP() / b"abc")
    assert bed.client.ip()[ICMP].type == 0


def _reset(sport: int, dport: int, answer: Packet) -> Packet:
    return IP(src=CLIENT, dst=NAT) / TCP(sport=sport, dport=dport, flags="R", seq=answer[TCP].ack)


def test_a_service_without_servers_answers_port_unreachable(bed: Judged) -> None:
    """V44."""
    bed.client.put(tcp(NAT, 2410, dport=81))
    assert only_icmp(bed, 3, 3).src == NAT
    bed.client.put(IP(src=CLIENT, dst=NAT) / UDP(sport=2410, dport=81) / b"x")
    assert only_icmp(bed, 3, 3).src == NAT


def test_servers_go_out_by_themselves(bed: Judged) -> None:
    bed.server.put(IP(src="172.16.0.2", dst=CLIENT) / TCP(sport=44444, dport=2420, flags="S"))
    assert bed.client.ip().src == "172.16.0.2"


def test_fragments_that_are_nobodys_go_on_as_they_were_meant(bed: Judged) -> None:
    """A service's server sends a large datagram to somebody who is no client of the service."""
    for sport, ident in ((777, 30), (5353, 31)):
        body = bytes(range(250)) * 8
        sent = IP(src="172.16.0.2", dst=CLIENT, id=ident) / UDP(sport=sport, dport=2425) / body
        bed.server.put(*fragment(sent, 800))
        pieces = [bed.client.ip()]
        while pieces[-1].flags & 1:
            pieces.append(bed.client.ip())
        whole = defragment([IP(bytes(piece)) for piece in pieces])
        assert len(whole) == 1
        assert (whole[0].src, bytes(whole[0])[28:]) == ("172.16.0.2", body)


def test_nobody_honest_sends_from_there(bed: Judged) -> None:
    for source in (NAT, "127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "172.16.0.1", "10.0.0.1"):
        bed.client.put(syn(source, 80, NAT, 80))
    assert not bed.server.frames(0.2)
    assert not bed.client.frames(0.02)


def test_bytes_of_any_kind_do_not_stop_it(bed: Judged) -> None:
    chance = random.Random(5)
    inner = bytes(IP(src=NAT, dst=CLIENT) / TCP())
    seeds = [
        bytes(tcp(NAT, 2430)), bytes(tcp(NAT6, 2430)), bytes(IP(src=CLIENT, dst=NAT) / UDP(dport=53) / b"zz"),
        bytes(IP(src=CLIENT, dst=NAT) / ICMP(type=3, code=4) / inner),
    ]  # fmt: skip
    for _ in range(1500):
        body = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(1, 5)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        kind = b"\x86\xdd" if body[0] >> 4 == 6 else b"\x08\x00"
        size = chance.randrange(1, len(body)) if chance.random() < 0.3 else len(body)
        bed.client.raw(bed.client.peer + bed.client.mac + kind + bytes(body[:size]))

    def one_more_passes() -> bool:
        bed.client.put(tcp(NAT, 4431))
        return any(frame[34:36] == struct.pack("!H", 4431) for frame in bed.server.frames(0.2))

    wait_for(one_more_passes)
    assert bed.readyz()[0] == 200
    bed.drain_wires()


# --- who gets what -----------------------------------------------------------------------------------


def test_one_packet_scheduling(bed: Judged) -> None:
    """V24."""
    servers = [
        opened(bed, IP(src=CLIENT, dst=NAT) / UDP(sport=2500, dport=5000) / b"x").dst for _ in range(4)
    ]
    assert servers[0] == servers[2] != servers[1] == servers[3]


def test_sip_follows_the_call(bed: Judged) -> None:
    """V23."""

    def invite(source: str, call: str) -> Packet:
        text = f"INVITE sip:a@b SIP/2.0\r\n{call}\r\n\r\n"
        return IP(src=source, dst=NAT) / UDP(sport=5060, dport=5060) / text.encode()

    servers = {opened(bed, invite(f"10.0.0.{number}", "Call-ID: abc@x")).dst for number in (2, 3, 4)}
    assert len(servers) == 1
    server = servers.pop()
    bed.client.put(invite("10.0.0.5", "Subject: none"))
    assert not bed.server.frames()
    assert opened(bed, invite("10.0.0.6", "Call-ID: other")).dst != server
    bed.server.put(
        IP(src=server, dst="10.0.0.7") / UDP(sport=5060, dport=5060) / b"BYE x\r\nCall-ID: abc@x\r\n\r\n"
    )
    assert bed.client.ip().src == NAT


def test_persistence(bed: Judged) -> None:
    """V20: netmask 24; port 0 keeps the ports; two addresses of one mark share a template (V2)."""
    near = [opened(bed, syn(f"203.0.113.{number}", 2600, "198.51.100.15", 80)).dst for number in (5, 77, 200)]
    assert len(set(near)) == 1
    assert opened(bed, syn(CLIENT, 2600, "198.51.100.15", 80)).dst != near[0]
    every = [opened(bed, syn(CLIENT, 2610, "198.51.100.16", port)) for port in (80, 443, 22)]
    assert len({one.dst for one in every}) == 1
    assert [one[TCP].dport for one in every] == [80, 443, 22]
    marked = [("198.51.100.40", 80), ("198.51.100.41", 443), ("198.51.100.40", 80)]
    for client in ("10.0.0.3", "10.0.0.4"):
        served = {opened(bed, syn(client, 2620 + n, *to)).dst for n, to in enumerate(marked)}
        assert len(served) == 1


def test_counters_add_up(bed: Judged) -> None:
    """V63: of a service, of its servers, and in the figures for scrapers."""
    before = bed.service("v8")["traffic"]
    for flags in ("S", "A", "A"):
        opened(bed, tcp(GUE, 2700, flags))
    after = bed.service("v8")["traffic"]
    grown = {name: after[name] - before[name] for name in ("conns", "inpkts", "inbytes", "outpkts")}
    assert grown == {"conns": 1, "inpkts": 3, "inbytes": 120, "outpkts": 0}
    server = bed.api("GET", "pools/gue")[1]["servers"][0]["traffic"]
    assert {name: server[name] for name in grown} == {name: after[name] for name in grown}
    metrics = bed.http("GET", "/metrics")[1]
    assert f'director_service_connections_total{{service="l4:v8"}} {after["conns"]}\n' in metrics
    assert f'director_service_packets_in_total{{service="l4:v8"}} {after["inpkts"]}\n' in metrics
