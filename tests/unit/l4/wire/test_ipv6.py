"""Building against scapy; reading is in `test_parse`."""

from __future__ import annotations

from scapy.layers.inet6 import IPv6

from director.l4.wire import ipv6


def test_build() -> None:
    expected = bytes(IPv6(src="2001:db8::1", dst="2001:db8::2", nh=41, hlim=9, tc=3, fl=0, plen=48))
    source, destination = expected[8:24], expected[24:40]
    assert ipv6.build(source, destination, 41, 48, hops=9, traffic_class=3) == expected
