from __future__ import annotations

from zope.interface.verify import verifyObject

from director.interfaces import IKey
from director.l4.key import PacketKey, folded
from director.l4.wire.offload import NONE
from director.l4.wire.packet import Packet
from tests.support.layer4_world import packed


def key(source: str, destination: str) -> PacketKey:
    packet = Packet(bytearray(), 0, NONE)
    packet.source, packet.destination, packet.sport, packet.dport = (
        packed(source),
        packed(destination),
        1000,
        80,
    )
    return PacketKey(packet)


def test_facts_of_a_packet() -> None:
    found = key("192.0.2.9", "192.0.2.80")
    verifyObject(IKey, found)
    assert (found.client, found.client_port, found.client_number) == ("192.0.2.9", 1000, 0xC0000209)
    assert (found.virtual, found.virtual_port, found.virtual_number) == ("192.0.2.80", 80, 0xC0000250)
    assert (found.host, found.path, found.uri, found.method, found.hash_key) == ("", "", "", "", None)
    assert found.header("x") is found.cookie("x") is found.query("x") is found.group(1) is None


def test_ipv6_is_folded_by_xor_of_its_words() -> None:
    assert folded(packed("2001:db8::1")) == 0x20010DB8 ^ 1
    assert key("2001:db8::9", "2001:db8::80").client == "2001:db8::9"
