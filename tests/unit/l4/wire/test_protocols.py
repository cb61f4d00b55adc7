"""The numbers against those of the system's own library (IANA's registry)."""

from __future__ import annotations

import socket

from director.l4.wire import protocols


def test_numbers_are_those_of_the_registry() -> None:
    for name in ("ICMP", "TCP", "UDP", "GRE", "ESP", "AH", "ICMPV6", "SCTP", "IPIP"):
        assert getattr(protocols, name) == getattr(socket, f"IPPROTO_{name}")
    assert protocols.IPV6_IN_IP == socket.IPPROTO_IPV6
