from __future__ import annotations

import ipaddress

import pytest

from director.l7.routing.facts import Peer
from director.l7.routing.forwarded import CHAIN_LIMIT, ForwardedPolicy, client_address, is_trusted
from tests.support.heads import PEER, TRUSTED, request, request_head

NETWORKS = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8:1::/48"))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.1.2.3", True), ("11.0.0.1", False), ("::ffff:10.1.2.3", True), ("::ffff:11.0.0.1", False),
        ("2001:db8:1::5", True),
        ("2001:db8:2::5", False), ("", False), ("localhost", False), ("/run/x.sock", False),
    ],
)  # fmt: skip
def test_trust(address: str, *, expected: bool) -> None:
    assert is_trusted(address, NETWORKS) is expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((), "10.0.0.1"),
        ((b"X-Forwarded-For: 192.0.2.9",), "192.0.2.9"),
        # the client wrote 203.0.113.1 itself; the trusted proxy added what it saw
        ((b"X-Forwarded-For: 203.0.113.1, 192.0.2.9",), "192.0.2.9"),
        ((b"X-Forwarded-For: 203.0.113.1, 192.0.2.9, 10.0.0.2",), "192.0.2.9"),
        ((b"X-Forwarded-For: 203.0.113.1", b"X-Forwarded-For: 192.0.2.9"), "192.0.2.9"),
        ((b"X-Forwarded-For: 10.0.0.3, 10.0.0.2",), "10.0.0.3"),
        ((b"X-Forwarded-For: 2001:db8:2::7, 2001:db8:1::1",), "2001:db8:2::7"),
        ((b"X-Forwarded-For: 192.0.2.9, unknown",), "10.0.0.1"),
        ((b"X-Forwarded-For: 192.0.2.9, unknown, 10.0.0.2",), "10.0.0.2"),
        # empty elements of a list are passed over (RFC 9110 5.6.1.2)
        ((b"X-Forwarded-For: 192.0.2.9,",), "192.0.2.9"),
        ((b"X-Forwarded-For: ,192.0.2.9, ,10.0.0.2 ,,",), "192.0.2.9"),
        ((b"X-Forwarded-For: 192.0.2.9", b"X-Forwarded-For:"), "192.0.2.9"),
        ((b"X-Forwarded-For: ,",), "10.0.0.1"),
        ((b'X-Forwarded-For: evil"',), "10.0.0.1"),
        ((b'X-Forwarded-For: fe80::1%" x',), "10.0.0.1"),
        ((b"Forwarded: for=192.0.2.9",), "10.0.0.1"),
    ],
)
def test_the_client_of_a_chain(lines: tuple[bytes, ...], expected: str) -> None:
    head = request(*lines)
    assert client_address(head, TRUSTED, NETWORKS) == expected
    assert client_address(head, PEER, NETWORKS) == PEER.client


def test_a_chain_is_read_from_its_end_and_not_for_ever() -> None:
    chain = b", ".join([b"192.0.2.9"] + [b"10.0.0.2"] * CHAIN_LIMIT)
    assert client_address(request(b"X-Forwarded-For: " + chain), TRUSTED, NETWORKS) == "10.0.0.2"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # RFC 7239 4, with its own examples
        (b'For="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17"),
        (b"for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
        (b"for=192.0.2.43, for=198.51.100.17", "198.51.100.17"),
        (b'for="192.0.2.43:47011"', "192.0.2.43"),
        (b"for=192.0.2.9, for=10.0.0.2", "192.0.2.9"),
        (b"for=unknown", "10.0.0.1"),
        (b"for=_hidden", "10.0.0.1"),
        (b"proto=http", "10.0.0.1"),
        (b"for=192.0.2.9, proto=http", "10.0.0.1"),
        # what stands in quotes is no element
        (b'for=192.0.2.9;host="a, for=203.0.113.1"', "192.0.2.9"),
        (b'host=", for=203.0.113.1, host="', "10.0.0.1"),
        # not RFC 7239: it says nothing
        (b'for="203.0.113.1', "10.0.0.1"),
        (b"for=203.0.113.1 for=203.0.113.2", "10.0.0.1"),
        (b"203.0.113.1", "10.0.0.1"),
        (b'for="203.0.113.\\1"', "10.0.0.1"),
    ],
)
def test_the_client_of_a_standard_chain(value: bytes, expected: str) -> None:
    head = request(b"Forwarded: " + value, b"X-Forwarded-For: 203.0.113.99")
    assert client_address(head, TRUSTED, NETWORKS, "forwarded") == expected


SPOOFED = (
    b"X-Forwarded-For: 1.1.1.1", b"X-Forwarded-Host: evil", b"X-Forwarded-Proto: https",
    b"Forwarded: for=1.1.1.1",
    b"X-Request-Id: mine", b"X-Other: 1",
)  # fmt: skip


def sent(kind: str, peer: Peer, *lines: bytes, host: bytes = b"a.example", minor: int = 1) -> list[bytes]:
    policy = ForwardedPolicy(kind, "edge-1")
    head = request(*lines, host=host, minor=minor)
    dropped = policy.dropped(head, peer)
    raw = request_head(head, b"/", dropped, policy.lines(head, peer))
    return raw.split(b"\r\n")[2:-2]


def test_what_an_untrusted_client_says_of_itself_is_dropped() -> None:
    assert sent("x-forwarded-for", PEER, *SPOOFED) == [
        b"X-Other: 1", b"X-Forwarded-For: 192.0.2.7", b"X-Forwarded-Proto: http",
        b"X-Forwarded-Host: a.example",
        b"Via: 1.1 edge-1",
    ]  # fmt: skip
    assert sent("forwarded", PEER, *SPOOFED) == [
        b"X-Other: 1", b'Forwarded: for=192.0.2.7;proto=http;host="a.example"', b"Via: 1.1 edge-1",
    ]  # fmt: skip
    assert sent("off", PEER, *SPOOFED) == [
        b"X-Other: 1", b"Via: 1.1 edge-1",
    ]  # fmt: skip


def test_what_a_trusted_proxy_says_is_added_to() -> None:
    assert sent("x-forwarded-for", TRUSTED, *SPOOFED) == [
        *SPOOFED[1:], b"X-Forwarded-For: 1.1.1.1, 10.0.0.1", b"Via: 1.1 edge-1",
    ]  # fmt: skip
    assert b'Forwarded: for=1.1.1.1, for=10.0.0.1;proto=http;host="a.example"' in sent(
        "forwarded", TRUSTED, *SPOOFED
    )


def test_addresses_of_ipv6_and_of_none() -> None:
    """RFC 7239 6: an IPv6 address is quoted and bracketed; `unknown` where there is none."""
    ipv6 = Peer("2001:db8::7", 1, "", 80)
    assert b"X-Forwarded-For: 2001:db8::7" in sent("x-forwarded-for", ipv6)
    assert b'Forwarded: for="[2001:db8::7]";proto=http;host="[::1]:80"' in sent(
        "forwarded", ipv6, host=b"[::1]:80"
    )
    for nobody in ("", "unix"):
        peer = Peer(nobody, 0, nobody, 0)
        assert b"X-Forwarded-For: unknown" in sent("x-forwarded-for", peer)
        assert b"Forwarded: for=unknown;proto=http" in sent("forwarded", peer, host=b"")


def test_via_says_the_version_that_came() -> None:
    """RFC 9110 7.6.3: and what stood in it stays."""
    assert sent("off", PEER, b"Via: 1.1 other", minor=0)[:2] == [b"Via: 1.1 other", b"Via: 1.0 edge-1"]


@pytest.mark.parametrize(
    ("lines", "loops"),
    [
        ((), 0),
        ((b"Via: 1.1 other",), 0),
        ((b"Via: 1.1 edge-1",), 1),
        ((b"Via: 1.1 edge-1, 1.0 other, HTTP/1.1 edge-1 (director)", b"Via: 1.1 edge-1"), 3),
        ((b"Via: 1.1 edge-10, 1.1 (edge-1), edge-1",), 0),
    ],
)
def test_loops(lines: tuple[bytes, ...], loops: int) -> None:
    assert ForwardedPolicy("off", "edge-1").loops(request(*lines)) == loops


def test_what_is_too_long_for_an_address_is_not_trusted() -> None:
    everybody = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
    assert is_trusted("::ffff:255.255.255.255", everybody)
    assert not is_trusted("1" * 65, everybody)
    assert not is_trusted("::1%" + "a" * 64, everybody)
