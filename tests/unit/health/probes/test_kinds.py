from __future__ import annotations

import pytest

from director.config.schema.pools import CHECK
from director.health.probes.kinds import DATAGRAMS, STREAMS, datagram, judge_datagram
from director.l7.http.responses import ResponseFramer
from director.model.pools import Address, Check, ScriptStep

ADDRESS = Address("10.0.0.1", 80)


def test_every_kind_that_can_be_written_has_its_probe() -> None:
    settings = {"expect", "host", "port", "every", "every.changing", "first", "timeout", "rise", "fall"}
    settings |= {"address", "header.NAME", "tls.verify", "tls.ca", "tls.name"}
    assert {key.name for key in CHECK.keys} - settings == {*STREAMS, *DATAGRAMS, "exec", "icmp"}


@pytest.mark.parametrize("kind", sorted(STREAMS))
def test_each_probe_begins_unjudged_and_ends_with_a_word(kind: str) -> None:
    check = Check("c", kind, steps=(ScriptStep(send=False, octets=b"hello"),))
    probe = STREAMS[kind](check, ADDRESS, ResponseFramer(b"GET"))
    assert probe.judgement is None
    probe.begin()
    alive, why = probe.closed()
    assert alive is {"tcp": True, "tls": True, "agent": None}.get(kind, False)
    assert why


def test_datagrams_say_what_their_kind_says() -> None:
    udp = Check("c", "udp", payload=b"ping")
    assert datagram(udp, 7) == b"ping"
    assert judge_datagram(udp, b"ping", b"pong") == (True, "it answers 'pong'")
    dns = Check("c", "dns", question=("A", "www.example.org"))
    assert datagram(dns, 7)[:2] == b"\0\7"
    assert judge_datagram(dns, datagram(dns, 7), b"pong") is None
