from __future__ import annotations

from director.health.probes.tcp import TcpProbe


def test_a_connect_is_enough() -> None:
    probe = TcpProbe()
    assert probe.begin() == b""
    assert (probe.judgement, probe.enough) == ((True, "connected"), True)
    assert (probe.feed(b"220 hello"), probe.closed()) == (b"", (True, "connected"))
