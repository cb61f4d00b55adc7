from __future__ import annotations

import math
import ssl
from typing import Any

import pytest

from director.config.parse.expressions import parse_condition
from director.l7.proxy.commands import Do, Expired, Happened, Open, ServerReady, ToServer
from director.l7.proxy.passthrough import PassThrough
from director.l7.routing.facts import Peer
from director.model.http import Rule
from director.model.pools import Address, Pool, Server
from tests.support.playbook import World

HERE = Peer("192.0.2.7", 4711, "198.51.100.1", 443)


def greeting(name: str | None) -> bytes:
    """What OpenSSL says first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


def world(**service: Any) -> World:
    pools = (Pool(name, (Server(name[0], Address("10.0.0.1", 443)),)) for name in ("web", "images"))
    images = Rule(10, "images", "www", parse_condition("sni in *.img.example.org"), "images")
    near = Rule(20, "near", "www", parse_condition("client in 10.0.0.0/8"), "images")
    return World(*pools, rules=(images, near), protocol="tls-passthrough", **service)


class Call:
    """A client whose octets come in pieces."""

    def __init__(self, size: int = 10_000, peer: Peer = HERE, found: World | None = None) -> None:
        self.world = found or world()
        self.door = PassThrough(self.world.handle, peer, 0.0)
        self.size = size

    def send(self, octets: bytes) -> list[Any]:
        commands: list[Any] = []
        for at in range(0, len(octets), self.size):
            commands += self.door.client_bytes(octets[at : at + self.size], 0.0)
        return commands


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("name", "pool", "peer"),
    [
        ("A.img.example.org", "images", HERE),
        ("www.example.org", "web", HERE),
        (None, "web", HERE),
        (None, "images", Peer("10.0.0.7", 1, "198.51.100.1", 443)),
    ],
)
def test_the_name_leads_and_the_server_gets_every_octet(
    name: str | None, pool: str, peer: Peer, size: int
) -> None:
    octets = greeting(name) + b"and more"
    call = Call(size, peer)
    (opened,) = [one for one in call.send(octets) if isinstance(one, Open)]
    assert opened.target.pool.name == pool  # type: ignore[union-attr]
    assert (call.door.peer.tls is not None, opened.fresh) == (True, True)
    sent = call.door.receive(ServerReady(1, False), 0.0)
    assert b"".join(one.data for one in sent if isinstance(one, ToServer)) == octets
    (more,) = call.send(b"x")
    assert (more.data, call.world.leases) == (b"x", 1)
    call.door.receive(Happened.CLIENT_GONE, 0.0)
    assert call.world.leases == 0
    asked = (call.world.record()["method"], call.world.record()["host"], call.world.record()["target"])
    assert asked == (("TLS", name.lower(), ":443") if name else ("TLS", "", "198.51.100.1:443"))


@pytest.mark.parametrize(
    "octets", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\0\0", b"\x15\x03\x01"]
)
def test_what_is_no_greeting_is_closed_without_a_word(octets: bytes) -> None:
    call = Call()
    assert call.send(octets) == [Do.CLOSE_CLIENT]
    assert call.send(b"more") == []
    assert call.world.record()["status"] == 0
    assert str(call.world.record()["outcome"]).startswith("refused: ")


def test_who_says_too_little_is_left_in_time() -> None:
    """With an octet and without: no page, because nobody there would read one."""
    for octets in (b"", b"\x16\x03"):
        call = Call()
        call.send(octets)
        assert call.door.deadline == call.world.service.timeouts.client
        assert call.door.receive(Expired(0), call.door.deadline) == [Do.CLOSE_CLIENT]
        assert call.door.deadline == math.inf


def test_an_end_before_the_greeting_is_the_end() -> None:
    call = Call()
    call.send(greeting("a")[:20])
    assert call.door.receive(Happened.CLIENT_ENDED, 0.0) == [Do.CLOSE_CLIENT]


def test_a_drain_waits_for_a_greeting_that_has_begun() -> None:
    call = Call()
    octets = greeting("www.example.org")
    call.send(octets[:20])
    assert call.door.receive(Happened.DRAIN, 0.0) == []
    assert any(isinstance(one, Open) for one in call.send(octets[20:]))


def test_without_a_server_it_is_closed() -> None:
    found = world()
    found.down("w")
    call = Call(found=found)
    assert Do.LINGER_CLIENT in call.send(greeting("www.example.org"))
    assert call.world.record()["sent"] == 0


def test_a_service_that_speaks_something_else_now_does_not_take_it() -> None:
    call = Call()
    octets = greeting("www.example.org")
    call.send(octets[:20])
    call.world.reload(Pool("web", (Server("w", Address("10.0.0.1", 443)),)), protocol="http")
    assert call.send(octets[20:]) == [Do.CLOSE_CLIENT]
