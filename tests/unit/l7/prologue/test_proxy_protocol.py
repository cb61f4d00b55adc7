from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address
from twisted.protocols.haproxy._v1parser import V1Parser
from twisted.protocols.haproxy._v2parser import V2Parser

from director.l7.prologue import proxy_protocol as pp
from director.l7.prologue.proxy_protocol import Header, ProxyHeaderError, read, write_v1, write_v2

FOUR = (("192.168.0.1", 56324), ("192.168.0.11", 443))
SIX = (("2001:db8::1", 1), ("2001:db8::2", 65535))
V2_FOUR = (
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes([192, 168, 0, 1, 192, 168, 0, 11]) + b"\xdc\x04\x01\xbb"
)
"""By hand from section 2.2 of the specification."""


@pytest.mark.parametrize(
    ("line", "header"),
    [
        # The examples of section 2.1.
        (b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", Header(1, *FOUR)),
        (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
         Header(1, ("255.255.255.255", 65535), ("255.255.255.255", 65535))),
        (b"PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n", Header(1, *SIX)),
        (b"PROXY UNKNOWN\r\n", Header(1)),
        (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", Header(1)),
        (V2_FOUR, Header(2, *FOUR)),
        (b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00", Header(2)),
        (b"\r\n\r\n\x00\r\nQUIT\n\x20\x11\x00\x0c" + b"\xff" * 12, Header(2)),
        (b"\r\n\r\n\x00\r\nQUIT\n\x21\x00\x00\x00", Header(2)),
        (b"\r\n\r\n\x00\r\nQUIT\n\x21\x31\x00\xd8" + b"/" * 216, Header(2)),
    ],
)  # fmt: skip
def test_whole_byte_by_byte_and_with_more_behind(line: bytes, header: Header) -> None:
    for length in range(len(line)):
        assert read(line[:length]) is None, length
    assert read(line) == (header, len(line))
    assert read(line + b"GET / HTTP/1.1\r\n") == (header, len(line))


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\n", b"X", b"PROXZ", b"\x16\x03\x01",
        b"PROXY TCP4 1.2.3.4 1.2.3.5 1\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.5 1 2 3\r\n",
        b"PROXY TCP4 1.2.3.4 2001:db8::1 1 2\r\n",
        b"PROXY TCP6 1.2.3.4 1.2.3.5 1 2\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.5 01 2\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.5 1 65536\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.5 -1 2\r\n",
        b"PROXY TCP4  1.2.3.4 1.2.3.5 1 2\r\n",
        b"PROXY tcp4 1.2.3.4 1.2.3.5 1 2\r\n",
        b"PROXY TCP4 01.2.3.4 1.2.3.5 1 2\r\n",
        b"PROXY TCP4 \xff.2.3.4 1.2.3.5 1 2\r\n",
        b"PROXY UDP4 1.2.3.4 1.2.3.5 1 2\r\n",
        b"PROXY " + b"x" * 101,
        pp.SIGNATURE + b"\x11\x11\x00\x0c" + b"\0" * 12,
        pp.SIGNATURE + b"\x22\x11\x00\x0c" + b"\0" * 12,
        pp.SIGNATURE + b"\x21\x11\x00\x0b" + b"\0" * 11,
        pp.SIGNATURE + b"\x21\x21\x00\x23" + b"\0" * 35,
        pp.SIGNATURE + b"\x21\x12\x00\x0c" + b"\0" * 12,
        pp.SIGNATURE + b"\x21\x41\x00\x00",
        pp.SIGNATURE + b"\x21\x13\x00\x0c" + b"\0" * 12,
        pp.SIGNATURE + b"\x21\x11\xff\xff",
        pp.SIGNATURE + b"\x21\x11\x00\x0d" + b"\0" * 13,
        pp.SIGNATURE + b"\x21\x11\x00\x10" + b"\0" * 12 + b"\x01\x00\x05x",
    ],
)  # fmt: skip
def test_what_is_no_header_is_refused(octets: bytes) -> None:
    with pytest.raises(ProxyHeaderError):
        read(octets)


def test_a_line_that_does_not_end_is_refused_when_it_is_too_long() -> None:
    assert read(b"PROXY " + b"x" * 100) is None
    with pytest.raises(ProxyHeaderError, match="107"):
        read(b"PROXY " + b"x" * 101)


HOSTS = st.ip_addresses().map(str)
PORTS = st.integers(0, 65535)


@given(st.ip_addresses(v=4).map(str), st.ip_addresses(v=4).map(str), PORTS, PORTS)
def test_twisted_reads_version_1_as_we_write_it(here: str, there: str, sport: int, dport: int) -> None:
    line = write_v1((here, sport), (there, dport))
    info = V1Parser.parse(line.rstrip(b"\r\n"))
    assert info.source == IPv4Address("TCP", here, sport)
    assert read(line) == (Header(1, (here, sport), (there, dport)), len(line))


@given(
    HOSTS, HOSTS, PORTS, PORTS, st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=20)), max_size=4)
)
def test_version_2_is_read_as_it_is_written(
    here: str, there: str, sport: int, dport: int, tlvs: list[tuple[int, bytes]]
) -> None:
    octets = write_v2((here, sport), (there, dport), tlvs)
    found = read(octets)
    assert found is not None
    header, length = found
    assert length == len(octets)
    assert header.tlvs == tuple(tlvs)
    assert header.source is not None
    assert header.source[1] == sport
    if (":" in here) == (":" in there):
        assert header.source[0] == str(getattr(ip_address(here), "ipv4_mapped", None) or here)
        if ":" not in here:
            assert V2Parser.parse(octets).destination == IPv4Address("TCP", there, dport)


def test_two_families_become_one() -> None:
    assert write_v1(("1.2.3.4", 1), ("::1", 2)) == b"PROXY UNKNOWN\r\n"
    found = read(write_v2(("1.2.3.4", 1), ("::1", 2)))
    assert found is not None
    assert found[0].source == ("1.2.3.4", 1)


def test_who_knows_no_addresses_says_so() -> None:
    assert read(write_v2(None, None)) == (Header(2), 16)
    assert write_v1(None, ("1.2.3.4", 1)) == b"PROXY UNKNOWN\r\n"


def test_facts_of_tls() -> None:
    """Section 2.2.5: client flags, the verification's result, then extensions of their own."""
    kind, value = pp.ssl_tlv("TLSv1.3", "TLS_AES_128_GCM_SHA256", "ops", certificate=True, verified=True)
    client, verify = struct.unpack_from("!BI", value)
    assert (kind, client, verify) == (0x20, 7, 0)
    assert list(pp.read_tlvs(value[5:])) == [
        (0x21, b"TLSv1.3"), (0x23, b"TLS_AES_128_GCM_SHA256"), (0x22, b"ops"),
    ]  # fmt: skip
    plain = pp.ssl_tlv("TLSv1.2", "x", "", certificate=False, verified=False)[1]
    assert struct.unpack_from("!BI", plain) == (1, 0)


@given(st.binary(max_size=300))
def test_nothing_but_the_error_is_raised(octets: bytes) -> None:
    for data in (octets, pp.SIGNATURE + octets, b"PROXY " + octets, pp.SIGNATURE + b"\x21\x11" + octets):
        try:
            found = read(data)
        except ProxyHeaderError:
            continue
        assert found is None or 0 < found[1] <= len(data)
