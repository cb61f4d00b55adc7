from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.config.parse.addresses import address, is_loopback, network
from director.config.text.messages import BadValue
from director.model.pools import Address
from tests.unit.config.reading import refuses_at_a_place


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (":80", Address(port=80)),
        ("10.0.0.1:80", Address("10.0.0.1", 80)),
        ("[::1]:80", Address("::1", 80)),
        ("example.org:443", Address("example.org", 443)),
        ("localhost:1", Address("localhost", 1)),
        ("unix:/run/x.sock", Address(path="/run/x.sock")),
        ("unix:/run/x.sock:mode=660", Address(endpoint="unix:/run/x.sock:mode=660")),
        ("systemd:domain=INET:index=0", Address(endpoint="systemd:domain=INET:index=0")),
        ("tcp:8080:interface=127.0.0.1", Address(endpoint="tcp:8080:interface=127.0.0.1")),
        ("tcp:80", Address(endpoint="tcp:80")),
        ("txtorcon:80:a=b", Address(endpoint="txtorcon:80:a=b")),
        ("host:80", Address("host", 80)),
    ],
)
def test_forms(text: str, expected: Address) -> None:
    assert address(text) == expected


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("", 0),
        ("80", 0),
        ("::1:80", 0),
        ("[::1:80", 0),
        ("[::g]:80", 1),
        ("10.0.0.300:80", 0),
        ("10.0.0:80", 0),
        ("a b:80", 0),
        ("x:", 2),
        ("x:0", 2),
        ("x:65536", 2),
        ("x:٨٠", 2),
        ("-x:80", 0),
        ("unix:", 0),
        ("x", 0),
        ("[::1]80", 0),
    ],
)
def test_what_is_none(text: str, start: int) -> None:
    with pytest.raises(BadValue) as caught:
        address(text)
    assert caught.value.start == start


def test_ports_that_may_be_missing_or_zero() -> None:
    assert address("10.0.0.1", port_needed=False) == Address("10.0.0.1")
    assert address("[::1]", port_needed=False) == Address("::1")
    assert address(":0", lowest=0) == Address()


@given(st.text(max_size=20))
def test_nothing_but_bad_value_is_raised(text: str) -> None:
    for parser in (address, network):
        refuses_at_a_place(parser, text)


def test_networks() -> None:
    assert str(network("10.0.0.0/8")) == "10.0.0.0/8"
    assert str(network("::1")) == "::1/128"
    with pytest.raises(BadValue) as caught:
        network("10.1.2.3/8")
    assert caught.value.hint == "write 10.0.0.0/8"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.3.2.1:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("unix:/x", True),
        (":1", False),
        ("10.0.0.1:1", False),
        ("x:1", False),
        ("systemd:domain=INET:index=0", True),
        ("tcp:80", False),
        ("tcp:80:interface=127.0.0.1", True),
    ],
)
def test_loopback(text: str, expected: bool) -> None:
    assert is_loopback(address(text)) is expected


@pytest.mark.parametrize("text", ["[2001:db8::1]:80", "[2001:DB8::1]:80", "[2001:db8:0:0:0:0:0:1]:80"])
def test_an_ipv6_address_has_one_spelling(text: str) -> None:
    """RFC 5952; whoever is written in another way is the same server."""
    assert address(text) == Address("2001:db8::1", 80)
