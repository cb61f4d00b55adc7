"""Addresses by `lvs-semantics` I.1: `host[:port]`, `[v6][:port]`, a bare number is refused."""

from __future__ import annotations

import pytest

from director.cli.lvs.addresses import NoAddressError, endpoint, number, service_name, shown
from director.model.virtual import Virtual


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("192.0.2.1:80", ("192.0.2.1", 80)),
        ("192.0.2.1", ("192.0.2.1", None)),
        ("127.1:0", ("127.0.0.1", 0)),
        ("[2001:DB8::0001]:443", ("2001:db8::1", 443)),
        ("[2001:db8::1]", ("2001:db8::1", None)),
        ("192.0.2.1:http", ("192.0.2.1", 80)),
    ],
)
def test_endpoints(text: str, found: tuple[str, int | None]) -> None:
    assert endpoint(text, "tcp") == found


@pytest.mark.parametrize(
    "text", ["80", "", ":80", "192.0.2.1:", "192.0.2.1:65536", "[2001:db8::1", "[2001:db8::1]80", "[x]:80"]
)
def test_what_is_no_endpoint(text: str) -> None:
    with pytest.raises(NoAddressError):
        endpoint(text, "tcp")


@pytest.mark.parametrize(
    ("text", "value"),
    [(" 5", 5), ("+5", 5), ("5 ", None), ("-1", None), ("5x", None), ("", None), ("11", None)],
)
def test_numbers_within_bounds(text: str, value: int | None) -> None:
    assert number(text, 0, 10) == value


def test_names_of_services() -> None:
    assert service_name(Virtual("udp", "192.0.2.1", 53), numeric=True) == "UDP  192.0.2.1:53"
    assert service_name(Virtual("sctp", "2001:db8::1", 9, 0, 6), numeric=True) == "SCTP [2001:db8::1]:9"
    assert service_name(Virtual(fwmark=7), numeric=True) == "FWM  7"
    assert service_name(Virtual(fwmark=7, family=6), numeric=True) == "FWM  7 IPv6"
    assert shown("192.0.2.1", 80, "tcp", numeric=True) == "192.0.2.1:80"
