from __future__ import annotations

import pytest

from director.l4.io.netlink import neighbours


def test_the_request_is_what_scapy_builds() -> None:
    scapy = pytest.importorskip("scapy.all", reason="scapy is the second implementation")
    mac = "02:00:00:00:00:01"
    expected = bytes(
        scapy.Ether(dst="ff:ff:ff:ff:ff:ff", src=mac)
        / scapy.ARP(op=1, hwsrc=mac, psrc="10.0.0.1", hwdst="00:00:00:00:00:00", pdst="10.0.0.11")
    )
    made = neighbours.request(bytes.fromhex("020000000001"), b"\x0a\0\0\x01", b"\x0a\0\0\x0b")
    assert made[: len(expected)] == expected
    assert len(made) == 60
