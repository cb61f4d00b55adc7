"""ICMP errors both ways: V31 to V34 on the wire (`lvs-semantics` D.6, C.7)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, defragment, fragment
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoRequest,
    ICMPv6PacketTooBig,
    ICMPv6ParamProblem,
    ICMPv6TimeExceeded,
    IPv6,
    IPv6ExtHdrFragment,
)
from scapy.layers.sctp import SCTP, SCTPChunkAbort, SCTPChunkData, SCTPChunkInit
from scapy.packet import Packet, Raw

from tests.integration.l4.flows import PORTS, flows, inwards, place
from tests.integration.l4.packets import CLIENT, FAMILIES, SERVER, ip
from tests.integration.l4.texts import ini
from tests.integration.l4.wire_judge import Judged, directed, parsed

ROUTER = {4: "10.0.0.8", 6: "fd00:10::8"}
INNER_ROUTER = {4: "172.16.0.8", 6: "fd00:16::8"}
VIRTUAL = {
    ("nat", 4): "198.51.100.10", ("nat", 6): "2001:db8:100::10", ("dr", 4): "198.51.100.11",
    ("dr", 6): "2001:db8:100::11", ("tun", 4): "198.51.100.12", ("tun", 6): "2001:db8:100::12",
}  # fmt: skip
EMPTY = {4: "198.51.100.13", 6: "2001:db8:100::13"}
KINDS = ("tcp", "udp", "sctp")


def text(keys: str = "") -> str:
    kinds = (("nat", 8080, ""), ("dr", 80, ""), ("tun", 80, ""), ("off", 80, " weight=0"))
    pools = {
        f"{name}{family}": (f"{place(SERVER[family], port)}{weight}",)
        for family in FAMILIES
        for name, port, weight in kinds
    }
    services = [
        (f"{kind} {place(host, 80)}", f"{method}{family}", method, "")
        for (method, family), host in VIRTUAL.items()
        for kind in KINDS
    ]
    services += [(f"udp {place(EMPTY[family], 80)}", f"off{family}", "nat", "") for family in FAMILIES]
    return ini(pools, services, f"sloppy_sctp = 1\n{keys}")


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    with directed(tmp_path_factory.mktemp("icmp"), text()) as made:
        yield made


def layer(kind: str, sport: int, dport: int) -> Packet:
    return {
        "tcp": lambda: TCP(sport=sport, dport=dport, flags="S", seq=77) / Raw(b"payload"),
        "udp": lambda: UDP(sport=sport, dport=dport) / Raw(b"payload"),
        "sctp": lambda: SCTP(sport=sport, dport=dport, tag=7) / SCTPChunkInit(),
    }[kind]()


ERRORS: dict[int, dict[str, Callable[[], Packet]]] = {
    4: {
        "frag needed": lambda: ICMP(type=3, code=4, nexthopmtu=1300),
        "host unreachable": lambda: ICMP(type=3, code=1),
        "source quench": lambda: ICMP(type=4),
        "time exceeded": lambda: ICMP(type=11, code=0),
    },
    6: {
        "too big": lambda: ICMPv6PacketTooBig(mtu=1300),
        "unreachable": lambda: ICMPv6DestUnreach(code=3),
        "time exceeded": ICMPv6TimeExceeded,
        "parameter problem": lambda: ICMPv6ParamProblem(code=1, ptr=6),
    },
}
CASES = [(family, name) for family, kinds in ERRORS.items() for name in kinds]


def error(family: int, name: str, source: str, to: str, quote: bytes, hops: int = 64) -> bytes:
    """The ICMP error `name` that `source` sends to `to`, with every checksum right."""
    outer = ip(source, to, **{"ttl" if family == 4 else "hlim": hops})
    return bytes(outer / ERRORS[family][name]() / Raw(quote))


def requoted(quote: bytes, ends: str, host: str, port: int) -> bytes:
    """A quoted packet with another source or destination; its own layer-4 checksum stays as it was (D.6)."""
    six = ":" in host
    size, address, l4 = (16, 8, 40) if six else (4, 12, 20)
    changed = bytearray(quote)
    at = address + (0 if ends == "source" else size)
    changed[at : at + size] = bytes(ip(host, host))[address : address + size]
    at = l4 + (0 if ends == "source" else 2)
    changed[at : at + 2] = port.to_bytes(2, "big")
    if not six:
        changed[10:12] = bytes(2)
        header = IP(bytes(changed[:20]))
        del header.chksum
        changed[:20] = bytes(header)[:20]
    return bytes(changed)


def opened(bed: Judged, method: str, family: int, kind: str) -> int:
    """A flow; returns its client port."""
    sport = PORTS.popleft()
    inwards(bed, [ip(CLIENT[family], VIRTUAL[method, family]) / layer(kind, sport, 80)])
    return sport


def reply(method: str, family: int, kind: str, sport: int) -> bytes:
    """A packet of the service to its client as a router on the client's side sees it."""
    return bytes(ip(VIRTUAL[method, family], CLIENT[family]) / layer(kind, 80, sport))


def arrived(bed: Judged, kind: str, sport: int, dport: int, family: int) -> bytes:
    """A packet of the client as a NAT server sees it."""
    return bytes(ip(CLIENT[family], SERVER[family]) / layer(kind, sport, dport))


def packets(bed: Judged, method: str, family: int, kind: str) -> tuple[int, int]:
    """What the service counted, in and out."""
    name = f"{kind} {place(VIRTUAL[method, family], 80)}"
    (found,) = (one for one in bed.api("GET", "services")[1] if one["listen"][0] == name)
    return found["traffic"]["inpkts"], found["traffic"]["outpkts"]


# --- from the clients' side -----------------------------------------------------------------------


@pytest.mark.parametrize(("family", "name"), CASES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_the_clients_side_reaches_a_nat_server(
    bed: Judged, family: int, name: str, kind: str
) -> None:
    """V31: to the server, about the packet it sent: address and port inside are its own; counted as input."""
    virtual, sport = VIRTUAL["nat", family], opened(bed, "nat", family, kind)
    before = packets(bed, "nat", family, kind)
    quote = reply("nat", family, kind, sport)
    bed.client.put(error(family, name, ROUTER[family], virtual, quote))
    inner = requoted(quote, "source", SERVER[family], 8080)
    assert bed.server.get()[14:] == error(family, name, ROUTER[family], SERVER[family], inner, hops=63)
    assert not bed.client.frames(0.005)
    assert packets(bed, "nat", family, kind) == (before[0] + 1, before[1])


@pytest.mark.parametrize(("family", "name"), CASES)
def test_an_error_of_the_clients_side_goes_the_flows_way(bed: Judged, family: int, name: str) -> None:
    """V31 by DR and TUN: nothing inside changes; the tunnel carries it."""
    for method, head in (("dr", 0), ("tun", 20 if family == 4 else 40)):
        virtual, sport = VIRTUAL[method, family], opened(bed, method, family, "tcp")
        quote = reply(method, family, "tcp", sport)
        bed.client.put(error(family, name, ROUTER[family], virtual, quote))
        frame = bed.server.get()
        assert frame[14 + head :] == error(family, name, ROUTER[family], virtual, quote, hops=63)
        assert frame[:6] == bed.server.mac


def test_the_least_quotation_is_enough(bed: Judged) -> None:
    """V31, V32: the header and eight bytes (RFC 792)."""
    sport = opened(bed, "nat", 4, "tcp")
    quote = reply("nat", 4, "tcp", sport)[:28]
    bed.client.put(error(4, "frag needed", ROUTER[4], VIRTUAL["nat", 4], quote))
    inner = requoted(quote, "source", SERVER[4], 8080)
    assert bed.server.get()[14:] == error(4, "frag needed", ROUTER[4], SERVER[4], inner, hops=63)
    quote = arrived(bed, "tcp", sport, 8080, 4)[:28]
    bed.server.put(error(4, "frag needed", INNER_ROUTER[4], CLIENT[4], quote))
    inner = requoted(quote, "destination", VIRTUAL["nat", 4], 80)
    assert bed.client.get()[14:] == error(4, "frag needed", VIRTUAL["nat", 4], CLIENT[4], inner, hops=63)


def test_an_error_in_fragments_is_collected(bed: Judged) -> None:
    """V31, D.6: ICMP messages that are fragments are put together first."""
    sport = opened(bed, "nat", 4, "udp")
    quote = reply("nat", 4, "udp", sport) + bytes(480)
    whole = IP(error(4, "host unreachable", ROUTER[4], VIRTUAL["nat", 4], quote))
    for number, pieces in enumerate((fragment(whole, 256), fragment(whole, 256)[::-1])):
        for piece in pieces:
            piece.id = 700 + number
        bed.client.put(*pieces)
        inner = requoted(quote, "source", SERVER[4], 8080)
        frames = [parsed(frame) for frame in bed.server.frames(5.0, 1)]
        frames += [parsed(frame) for frame in bed.server.frames(0.02)]
        (came,) = defragment(frames)
        wanted = error(4, "host unreachable", ROUTER[4], SERVER[4], inner, hops=63)
        assert bytes(came)[20:] == wanted[20:]


@pytest.mark.parametrize("family", FAMILIES)
def test_an_error_with_a_bad_checksum_is_dropped(bed: Judged, family: int) -> None:
    """V32, and from the clients' side likewise."""
    sport = opened(bed, "nat", family, "tcp")
    name = next(iter(ERRORS[family]))
    at = (20 if family == 4 else 40) + 2
    inside = error(family, name, SERVER[family], CLIENT[family], arrived(bed, "tcp", sport, 8080, family))
    outside = error(family, name, ROUTER[family], VIRTUAL["nat", family], reply("nat", family, "tcp", sport))
    for wire, packet in ((bed.server, inside), (bed.client, outside)):
        forged = bytearray(packet)
        forged[at] ^= 0x55
        wire.put(bytes(forged))
        assert not bed.client.frames()
        assert not bed.server.frames(0.01)
    bed.server.put(inside)
    assert bed.client.get()


def test_an_ipv6_error_about_a_fragment(bed: Judged) -> None:
    """V32, D.6: about the first one as about any packet, and once; about a later one it is dropped."""
    sport = opened(bed, "nat", 6, "udp")
    body = bytes(layer("udp", sport, 8080))
    for offset, more in ((0, 1), (160, 0)):
        piece = ip(CLIENT[6], SERVER[6]) / IPv6ExtHdrFragment(nh=17, id=9, offset=offset, m=more)
        quote = bytes(piece / Raw(body))
        bed.server.put(error(6, "too big", INNER_ROUTER[6], CLIENT[6], quote))
        if more:
            inner = bytearray(requoted(quote, "destination", VIRTUAL["nat", 6], 0))
            inner[42:44], inner[50:52] = quote[42:44], (80).to_bytes(2, "big")
            wanted = error(6, "too big", VIRTUAL["nat", 6], CLIENT[6], bytes(inner), hops=63)
            assert bed.client.get()[14:] == wanted
        assert not bed.client.frames()


@pytest.mark.parametrize("family", FAMILIES)
def test_other_icmp_is_left_to_the_host(bed: Judged, family: int) -> None:
    """D.6: types that are no errors are accepted untouched: an echo request is the host's to answer."""
    echo: Packet = IP(src=CLIENT[4], dst=VIRTUAL["nat", 4]) / ICMP(type=8) / b"abc"
    if family == 6:
        echo = IPv6(src=CLIENT[6], dst=VIRTUAL["nat", 6]) / ICMPv6EchoRequest(data=b"abc")
    bed.client.put(echo)
    assert bed.client.ip().src == VIRTUAL["nat", family]
    assert not bed.server.frames(0.01)


# --- from the servers' side -----------------------------------------------------------------------


@pytest.mark.parametrize(("family", "name"), CASES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_the_servers_side_comes_from_the_virtual_address(
    bed: Judged, family: int, name: str, kind: str
) -> None:
    """V32: whoever sends it; the packet inside is the one the client sent; counted as output."""
    virtual, sport = VIRTUAL["nat", family], opened(bed, "nat", family, kind)
    before = packets(bed, "nat", family, kind)
    quote = arrived(bed, kind, sport, 8080, family)
    inner = requoted(quote, "destination", virtual, 80)
    for source in (SERVER[family], INNER_ROUTER[family]):
        bed.server.put(error(family, name, source, CLIENT[family], quote))
        assert bed.client.get()[14:] == error(family, name, virtual, CLIENT[family], inner, hops=63)
    assert not bed.server.frames(0.005)
    assert packets(bed, "nat", family, kind) == (before[0], before[1] + 2)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_error_about_a_flow_by_dr_is_counted_and_routed(bed: Judged, family: int) -> None:
    """V32, D.6: other methods change nothing; the host routes it on."""
    sport = opened(bed, "dr", family, "tcp")
    before = packets(bed, "dr", family, "tcp")
    name = next(iter(ERRORS[family]))
    quote = bytes(ip(CLIENT[family], VIRTUAL["dr", family]) / layer("tcp", sport, 80))
    bed.server.put(error(family, name, SERVER[family], CLIENT[family], quote))
    assert bed.client.get()[14:] == error(family, name, SERVER[family], CLIENT[family], quote, hops=63)
    assert packets(bed, "dr", family, "tcp") == (before[0], before[1] + 1)


# --- what has no flow -----------------------------------------------------------------------------


def test_icmp_without_a_flow(bed: Judged) -> None:
    """V33: 0: accepted locally, nothing is opened; 1: the packet inside opens a flow for it.

    Without a server for it, it is dropped without a word (C.5).
    """
    for on in (0, 1):
        bed.reload(text(f"schedule_icmp = {on}"))
        for family in FAMILIES:
            name = next(iter(ERRORS[family]))
            for method, kind in (*itertools.product(("nat", "dr"), KINDS), ("off", "udp")):
                sport = PORTS.popleft()
                virtual = EMPTY[family] if method == "off" else VIRTUAL[method, family]
                quote = bytes(ip(virtual, CLIENT[family]) / layer(kind, 80, sport))
                bed.client.put(error(family, name, ROUTER[family], virtual, quote))
                row = place(CLIENT[family], sport)
                if not on or method == "off":
                    assert not bed.server.frames(0.03)
                    assert not bed.client.frames(0.005)
                    assert row not in flows(bed)
                    continue
                inner = requoted(quote, "source", SERVER[family], 8080) if method == "nat" else quote
                to = SERVER[family] if method == "nat" else virtual
                assert bed.server.get()[14:] == error(family, name, ROUTER[family], to, inner, hops=63)
                assert flows(bed)[row]["state"] == ("UDP" if kind == "udp" else "NONE")
    bed.reload(text())


def strays(family: int) -> dict[str, tuple[Packet, bool]]:
    """Packets of a NAT server that belong to no flow, and whether they may be answered."""
    answer = ip(SERVER[family], CLIENT[family])
    return {
        "tcp": (answer / TCP(sport=8080, dport=9, flags="A") / b"x", True),
        "udp": (answer / UDP(sport=8080, dport=9) / b"x", True),
        "sctp": (answer / SCTP(sport=8080, dport=9) / SCTPChunkData(data=b"x"), True),
        "reset": (answer / TCP(sport=8080, dport=9, flags="RA"), False),
        "abort": (answer / SCTP(sport=8080, dport=9) / SCTPChunkAbort(), False),
        "another port": (answer / TCP(sport=8079, dport=9, flags="A"), False),
    }


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("on", [0, 1])
def test_strays_of_a_nat_server(bed: Judged, family: int, on: int) -> None:
    """V34: port unreachable to the server only when told to, never for a reset; all others are routed on."""
    bed.reload(text(f"nat_icmp_send = {on}"))
    for name, (packet, answered) in strays(family).items():
        bed.server.put(packet)
        if on and answered:
            said = bed.server.ip()
            assert said.dst == SERVER[family], name
            if family == 4:
                assert (said[ICMP].type, said[ICMP].code) == (3, 3), name
                assert bytes(said[ICMP].payload) == bytes(packet), name
            else:
                assert said[ICMPv6DestUnreach].code == 4, name
                assert bytes(said).endswith(bytes(packet)), name
            assert not bed.client.frames(0.03), name
        else:
            came = bed.client.ip()
            assert (came.src, bytes(came.payload)) == (packet.src, bytes(packet.payload)), name
            assert not bed.server.frames(0.03), name
