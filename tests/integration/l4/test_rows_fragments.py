"""Datagrams in fragments, both ways and in any order: V35 on the wire (`lvs-semantics` D.7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from scapy.layers.inet import ICMP, UDP, defragment, fragment
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, IPv6ExtHdrFragment, defragment6, fragment6
from scapy.packet import Packet, Raw

from tests.integration.l4.flows import PORTS, flows, place
from tests.integration.l4.packets import CLIENT, FAMILIES, SERVER, ip
from tests.integration.l4.texts import ini
from tests.integration.l4.wire_judge import Judged, Wire, directed, parsed, right

VIRTUAL = {
    ("nat", 4): "198.51.100.10", ("nat", 6): "2001:db8:100::10", ("dr", 4): "198.51.100.11",
    ("dr", 6): "2001:db8:100::11",
}  # fmt: skip


def text() -> str:
    pools = {
        f"{method}{family}": (place(SERVER[family], 8080 if method == "nat" else 80),)
        for method, family in VIRTUAL
    }
    services = [
        (f"udp {place(host, 80)}", f"{method}{family}", method, "")
        for (method, family), host in VIRTUAL.items()
    ]
    return ini(pools, services)


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    with directed(tmp_path_factory.mktemp("fragments"), text()) as made:
        yield made


def pieces(packet: Packet, size: int, ident: int) -> list[Packet]:
    """`packet` in fragments with up to `size` bytes."""
    if packet.version == 4:
        packet.id = ident
        return list(fragment(packet, size))
    header = IPv6ExtHdrFragment(id=ident, nh=bytes(packet)[6])
    upper = packet.payload
    packet.remove_payload()
    return list(fragment6(IPv6(bytes(packet / header / upper)), size + 48))


def put_together(frames: list[bytes]) -> Packet:
    """The one datagram that the frames make, with right checksums."""
    found = [parsed(frame) for frame in frames]
    if found[0].version == 4:
        (whole,) = defragment(found)
    else:
        whole = defragment6(found)
    made: Packet = whole.__class__(bytes(whole))
    assert right(made)
    return made


ORDERS: dict[str, Callable[[list[Packet]], list[Packet]]] = {
    "in order": list,
    "backwards": lambda found: found[::-1],
    "twice": lambda found: [one for one in found[:-1] for _ in range(2)] + found[-1:],
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("method", "family"), VIRTUAL)
def test_a_datagram_in_fragments_reaches_one_server_whole(
    bed: Judged, method: str, family: int, order: str
) -> None:
    """V35: inwards and outwards, whatever order the fragments come in; every byte, right checksums."""
    body = bytes(range(256)) * 14
    sport = PORTS.popleft()
    virtual, client = VIRTUAL[method, family], CLIENT[family]
    server = SERVER[family] if method == "nat" else virtual
    dport = 8080 if method == "nat" else 80
    sent = pieces(ip(client, virtual) / UDP(sport=sport, dport=80) / body, 1280, sport)
    bed.client.put(*ORDERS[order](sent))
    whole = put_together(_all(bed.server, len(body)))
    assert (whole.src, whole.dst, whole[UDP].sport, whole[UDP].dport) == (client, server, sport, dport)
    assert bytes(whole[UDP].payload) == body
    assert flows(bed)[place(client, sport)]["packets"] == 1
    if method == "nat":
        sent = pieces(ip(server, client) / UDP(sport=8080, dport=sport) / body, 1280, sport)
        bed.server.put(*ORDERS[order](sent))
        whole = put_together(_all(bed.client, len(body)))
        assert (whole.src, whole.dst, whole[UDP].sport, whole[UDP].dport) == (virtual, client, 80, sport)
        assert bytes(whole[UDP].payload) == body


def _all(wire: Wire, size: int) -> list[bytes]:
    """Frames until they hold a UDP datagram with `size` bytes, and none comes after."""
    found: list[bytes] = []
    left = size + 8
    while left > 0:
        found.append(wire.get(5.0))
        packet = parsed(found[-1])
        left -= packet.len - 20 if packet.version == 4 else packet.plen - 8
    return [*found, *wire.frames(0.03)]


def test_a_datagram_that_lacks_a_piece_opens_nothing(bed: Judged) -> None:
    """V35: nothing goes on before it is whole."""
    for family in FAMILIES:
        sport = PORTS.popleft()
        packet = ip(CLIENT[family], VIRTUAL["nat", family]) / UDP(sport=sport, dport=80) / bytes(3000)
        first, _lost, *rest = pieces(packet, 1280, sport)
        bed.client.put(first, *rest)
        assert not bed.server.frames()
        assert place(CLIENT[family], sport) not in flows(bed)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("family", FAMILIES)
def test_fragments_that_are_nobodys_reach_whom_they_are_for(bed: Judged, family: int, order: str) -> None:
    """V35, V45: a large echo request is the host's to answer; what a server sends to others is routed on."""
    client, virtual = CLIENT[family], VIRTUAL["nat", family]
    ident, body = PORTS.popleft(), bytes(range(256)) * 10
    request = ICMP(id=ident) / body if family == 4 else ICMPv6EchoRequest(id=ident, data=body)
    echo = ip(client, virtual) / request
    bed.client.put(*ORDERS[order](pieces(echo, 1280, ident)))
    answer = bytes(put_together(_all(bed.client, len(body))))
    assert answer.endswith(body)
    assert not bed.server.frames(0.01)
    for sport in (7777, 8080):
        sent = ip(SERVER[family], client) / UDP(sport=sport, dport=ident) / body
        bed.server.put(*ORDERS[order](pieces(sent, 1280, ident + sport)))
        whole = put_together(_all(bed.client, len(body)))
        assert (whole.src, whole[UDP].sport, bytes(whole[UDP].payload)) == (SERVER[family], sport, body)
    assert not bed.server.frames(0.01)


@pytest.mark.parametrize("order", ORDERS)
def test_fragments_of_other_protocols_are_routed_as_they_come(bed: Judged, order: str) -> None:
    """V35, C.4 step 6: the director knows nothing of GRE, so it puts nothing together."""
    sent = ip(SERVER[4], CLIENT[4], proto=47) / Raw(bytes(3000))
    expected = ORDERS[order](pieces(sent, 1280, PORTS.popleft()))
    bed.server.put(*expected)
    came = [parsed(bed.client.get(5.0)) for _ in expected]
    assert [(one.src, one.frag, one.len) for one in came] == [
        (SERVER[4], one.frag, len(bytes(one))) for one in expected
    ]
