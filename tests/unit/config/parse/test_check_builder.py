from __future__ import annotations

import pytest

from director.config.text.messages import render
from director.model.pools import Check, ServerTLS
from tests.support.configurations import read_ini


def check(lines: str) -> Check:
    return read_ini(f"[check:c]\n{lines}\n").require().checks[0]


def test_an_agent_is_believed_at_once_unless_it_is_written_otherwise() -> None:
    """HAProxy's defaults of an agent's rise and fall are 1, a check's 2 and 3."""
    assert (check("agent = connect").rise, check("agent = connect").fall) == (1, 1)
    assert check("agent = connect\nfall = 3").fall == 3
    assert (check("tcp = connect").rise, check("tcp = connect").fall) == (2, 3)


def test_https_has_the_request_of_http_and_a_tls_of_its_own() -> None:
    found = check("https = HEAD /live\ntls.name = shop.example.org\nexpect = status 204, days > 7")
    assert (found.kind, found.method, found.target, found.statuses) == (
        "https",
        "HEAD",
        "/live",
        ((204, 204),),
    )
    assert found.days == 7.0
    assert found.tls == ServerTLS(name="shop.example.org")
    assert check("http = GET /").tls is None


def test_a_service_of_grpc_is_named_and_health_is_all() -> None:
    assert check("grpc = health").service == ""
    assert check("grpc = shop.v1.Cart").service == "shop.v1.Cart"


def test_a_request_may_have_further_fields() -> None:
    found = check("http = GET /\nheader.X-Key = secret\nheader.User-Agent = mine")
    assert found.headers == (("X-Key", "secret"), ("User-Agent", "mine"))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("http = GET /\nheader.Host = x", "Host is the check's own"),
        ("http = GET /\nheader.X = \u00e4", "cannot stand in a header field"),
        ("tcp = connect\nheader.X = y", "a tcp check has no header"),
    ],
)
def test_a_field_that_cannot_be_sent_is_refused(lines: str, message: str) -> None:
    assert message in render(read_ini(f"[check:c]\n{lines}\n").problems)
