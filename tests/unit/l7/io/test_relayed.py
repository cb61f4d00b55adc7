from __future__ import annotations

import socket

from OpenSSL import SSL
from twisted.internet.testing import MemoryReactor

from director.l7.io.relayed import WAYS, Relayed
from director.l7.io.server_side import PendingStream
from director.l7.io.stream import Stream
from director.l7.io.tls_stream import TLSStream


def stream(progress: int, spliced: int = 0) -> Stream:
    """One that is closed: what it did is all that counts."""
    made = Stream(MemoryReactor(), socket.socket())
    made.progress, made.spliced = progress, spliced
    made.abort()
    return made


def secured(progress: int) -> TLSStream:
    made = TLSStream(MemoryReactor(), socket.socket(), SSL.Context(SSL.TLS_METHOD))
    made.progress = progress
    made.abort()
    return made


def test_all_ways_are_told_before_the_first_octet() -> None:
    assert Relayed().octets([]) == dict.fromkeys(WAYS, 0)


def test_those_that_are_gone_and_those_that_are_open_count_once_each() -> None:
    relayed = Relayed()
    first, last = stream(100, spliced=70), stream(5)
    assert relayed.octets([first, last, secured(1000), PendingStream()]) == {
        "splice": 70,
        "copy": 35,
        "tls": 1000,
    }
    relayed.gone(first)
    relayed.gone(secured(1000))
    assert relayed.octets([last]) == {"splice": 70, "copy": 35, "tls": 1000}
