from __future__ import annotations

import socket
from typing import Any

import pytest
from attrs import evolve

from director.l7.io.manner import Manners
from director.l7.io.tls_stream import TLSStream
from director.l7.prologue.proxy_protocol import read, read_tlvs
from director.l7.routing.facts import Peer, TLSFacts
from director.model.pools import Address, Pool, Server, ServerTLS
from director.model.settings import Configuration
from director.registry.registry import RealServer
from director.tls.io.certificates import CertificateError
from director.tls.io.contexts import client_context
from tests.support.registries import live, registry_of

PEER = Peer("192.0.2.7", 4711, "198.51.100.1", 443)


def server(**pool: Any) -> RealServer:
    config = evolve(Pool("web", (Server("a", Address("a.example", 80)),)), **pool)
    return live(registry_of(configuration=Configuration(pools=(config,))), "web", "a")


def context(_tls: ServerTLS, _protocol: str, _wrong: str) -> Any:
    return client_context(verify=False)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_header_tells_of_the_client(version: str) -> None:
    found = read(Manners(context).of(server(send_proxy=version), PEER).header)
    assert found is not None
    assert (found[0].source, found[0].destination) == (("192.0.2.7", 4711), ("198.51.100.1", 443))


def test_a_header_tells_of_tls() -> None:
    told = TLSFacts("a", "TLSv1.3", "TLS_X", b"der", (), "ops", b"h2")
    peer = Peer("192.0.2.7", 1, "198.51.100.1", 443, tls=told)
    found = read(Manners(context).of(server(send_proxy="v2"), peer).header)
    assert found is not None
    tlvs = dict(found[0].tlvs)
    assert (tlvs[0x01], tlvs[0x02]) == (b"h2", b"a")  # ALPN, authority (section 2.2)
    assert dict(read_tlvs(tlvs[0x20][5:])) == {0x21: b"TLSv1.3", 0x23: b"TLS_X", 0x22: b"ops"}


def test_of_tls_that_is_passed_on_the_name_alone_is_told() -> None:
    """Nobody has verified anything else of it."""
    peer = Peer("192.0.2.7", 1, "198.51.100.1", 443, tls=TLSFacts("a.example"))
    found = read(Manners(context).of(server(send_proxy="v2"), peer).header)
    assert found is not None
    assert found[0].tlvs == ((0x02, b"a.example"),)


def test_what_differs_is_not_shared() -> None:
    manners = Manners(context)
    differing = (
        server(send_proxy="v1"), server(tls=ServerTLS()), server(tls=ServerTLS(name="b.example")),
        server(tls=ServerTLS(verify=False)), server(tls=ServerTLS(), send_proxy="v2"),
        server(tls=ServerTLS(), protocol="h2"), server(protocol="h2"),
    )  # fmt: skip
    assert len({manners.of(one, PEER).suffix for one in differing}) == 7
    under_faults = {
        manners.of(server(tls=ServerTLS()), PEER, one).suffix for one in ("", "expired", "wrong_name")
    }
    assert len(under_faults) == 3
    same = (manners.of(server(tls=ServerTLS()), PEER).suffix for _ in range(2))
    assert len(set(same)) == 1


def test_what_cannot_be_made_is_refused() -> None:
    def broken(_tls: ServerTLS, _protocol: str, _wrong: str) -> Any:
        raise CertificateError("no authorities")

    assert Manners(broken).of(server(tls=ServerTLS()), PEER).refused == "TLS: no authorities"
    assert Manners(None).of(server(tls=ServerTLS()), PEER).refused


def test_tls_is_a_stream_of_its_own() -> None:
    near, far = socket.socketpair()
    with near, far:
        made = Manners(context).of(server(tls=ServerTLS()), PEER).stream(None, near, None)
        assert isinstance(made, TLSStream)


def test_http_2_carries_many_inside_tls_and_in_clear() -> None:
    manners = Manners(context)
    inside, clear = (
        manners.of(server(tls=ServerTLS(), protocol="h2"), PEER),
        manners.of(server(protocol="h2"), PEER),
    )
    assert (inside.multiplexes, inside.secure) == (True, True)
    assert (clear.multiplexes, clear.secure) == (True, False)
    assert not manners.of(server(tls=ServerTLS()), PEER).multiplexes
