"""What follows from a packet's fields: lengths, keys, and where its payload is."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import Ether

from director.l4.wire import offload as vnet
from director.l4.wire.parse import parse

V4: dict[str, Any] = {"src": "192.0.2.1", "dst": "192.0.2.2"}
V6: dict[str, Any] = {"src": "2001:db8::1", "dst": "2001:db8::2"}


def read(layers: Any, offload: bytes = b"") -> Any:
    return parse(bytearray(bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / layers)), offload)


def test_the_key_is_both_addresses_and_both_ports() -> None:
    packet = read(IP(**V4) / UDP(sport=0x1234, dport=53))
    assert packet.key == bytes((192, 0, 2, 1, 192, 0, 2, 2, 0x12, 0x34, 0, 53))


def test_icmp_is_that_of_its_own_ip_version() -> None:
    assert read(IP(**V4) / ICMP()).icmp
    assert read(IPv6(**V6) / ICMPv6EchoRequest()).icmp
    assert not read(IP(**V4, proto=58) / bytes(8)).icmp


@pytest.mark.parametrize(("options", "header"), [([], 20), ([("MSS", 1460)], 24)])
def test_a_super_frame_is_judged_by_one_of_its_segments(options: list[Any], header: int) -> None:
    """A device cuts behind the headers: gso_size octets of payload in each (virtio 1.2, 5.1.6.2)."""
    offload = vnet.write(vnet.Offload(gso_type=vnet.GSO_TCPV4, gso_size=1000))
    layers = IP(**V4) / TCP(options=options) / bytes(5000)
    assert read(layers, offload).segment == 20 + header + 1000
    assert read(layers).segment == 20 + header + 5000
