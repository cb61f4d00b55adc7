from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.l7.prologue.client_hello import LONGEST, Greeting, Hello, HelloError


def read(octets: bytes) -> Hello | None:
    """All at once."""
    return Greeting().feed(octets)


def greeting(
    name: str | None, protocols: list[str], version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> bytes:
    """What OpenSSL says first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = version
    if protocols:
        context.set_alpn_protocols(protocols)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("OpenSSL wants no answer")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("name", "protocols", "hello"),
    [
        ("shop.example.org", ["h2", "http/1.1"], Hello("shop.example.org", (b"h2", b"http/1.1"))),
        ("Shop.Example.ORG", [], Hello("shop.example.org")),
        (None, ["h2"], Hello("", (b"h2",))),
        (None, [], Hello()),
    ],
)
def test_openssl_is_understood(
    name: str | None, protocols: list[str], hello: Hello, version: ssl.TLSVersion
) -> None:
    octets = greeting(name, protocols, version)
    for length in range(len(octets)):
        assert read(octets[:length]) is None
    assert read(octets) == hello
    assert read(octets + b"more") == hello


def split(octets: bytes, size: int) -> bytes:
    """The same message in records of `size` octets (RFC 8446 5.1)."""
    body = octets[5:]
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(octets[:3] + len(part).to_bytes(2, "big") + part for part in parts)


@pytest.mark.parametrize("size", [1, 3, 5, 100])
def test_a_greeting_in_many_records(size: int) -> None:
    octets = split(greeting("a.example", ["h2"]), size)
    assert read(octets) == Hello("a.example", (b"h2",))
    assert read(octets[:-1]) is None


def by_hand(extensions: bytes) -> bytes:
    """A greeting with these extensions."""
    body = (
        b"\x03\x03" + b"r" * 32 + b"\0" + b"\0\x02\x13\x01" + b"\x01\0" + len(extensions).to_bytes(2, "big")
    )
    body += extensions
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message


def name_of(octets: bytes) -> bytes:
    """The extension server_name (RFC 6066 3)."""
    entry = b"\0" + len(octets).to_bytes(2, "big") + octets
    listed = len(entry).to_bytes(2, "big") + entry
    return b"\0\0" + len(listed).to_bytes(2, "big") + listed


def test_a_name_by_hand() -> None:
    assert read(by_hand(name_of(b"x.example."))) == Hello("x.example")
    assert read(by_hand(b"")) == Hello()


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\n", b"\x15\x03\x01\0\x02\x02\x28", b"\x16\x02\x00", b"\x16\x03\x01\0\0",
        b"\x16\x03\x01\xff\xff", b"\x16\x03\x01\0\x01\x02", b"\x16\x03\x01\0\x04\x01\xff\xff\xff",
        by_hand(name_of(b"a") + name_of(b"b")), by_hand(name_of(b"")), by_hand(name_of(b"a\0b")),
        by_hand(name_of("ü".encode())), by_hand(name_of(b"a" * 254)), by_hand(b"\0\0\0\x05\0\x09\0\0\x01"),
        by_hand(b"\0\x10\0\x03\0\x05\x09"), by_hand(b"\0"),
    ],
)  # fmt: skip
def test_what_is_no_greeting_is_refused(octets: bytes) -> None:
    with pytest.raises(HelloError):
        read(octets)


@given(st.binary(max_size=200))
def test_nothing_but_the_error_is_raised(octets: bytes) -> None:
    for data in (octets, b"\x16\x03\x01" + octets, by_hand(octets)):
        try:
            found = read(data)
        except HelloError:
            continue
        assert found is None or isinstance(found, Hello)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=40), st.integers(1, 200))
def test_the_pieces_in_which_it_comes_do_not_matter(sizes: list[int], record: int) -> None:
    octets, greeting_of_client, at = split(by_hand(name_of(b"a.example")), record), Greeting(), 0
    for size in [*sizes, *[50] * len(octets)]:
        found = greeting_of_client.feed(octets[at : at + size])
        at += size
        assert (found is None) == (at < len(octets))
        if found is not None:
            assert found.name == "a.example"
            return


def test_a_greeting_that_never_ends_is_left() -> None:
    """One octet in each record: what is looked at is bounded by what comes, not by what it says."""
    reader = Greeting()
    octets = b"".join(b"\x16\x03\x01\0\1" + bytes((one,)) for one in (1, 0, 255, *[0] * (LONGEST // 6 - 4)))
    for at in range(0, len(octets), 1000):
        assert reader.feed(octets[at : at + 1000]) is None
    with pytest.raises(HelloError, match="no greeting ends"):
        reader.feed(octets[:100])
