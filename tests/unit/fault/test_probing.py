from __future__ import annotations

import pytest

from director.config.parse.faults import action
from director.fault.probing import met
from director.model.drills import Injected
from director.model.pools import Check, ServerTLS


@pytest.mark.parametrize(
    ("text", "kind", "alive", "seconds"),
    [
        ("refuse", "tcp", False, 0.0),
        ("refuse", "http", False, 0.0),
        ("hang", "http", False, 1.5),
        # The kernel of a server that hangs accepts connections all the same.
        ("hang", "tcp", None, 0.0),
        ("status 503", "http", False, 0.0),
        ("status 204", "http", True, 0.0),
        ("status 503", "redis", None, 0.0),
        ("reset", "redis", False, 0.0),
        ("close", "http", False, 0.0),
        ("garbage", "http", False, 0.0),
        ("delay 2s", "http", False, 1.5),
        ("delay 1s", "http", None, 0.0),
        ("bandwidth 10k", "http", None, 0.0),
        ("hang", "icmp", None, 0.0),
        ("refuse", "exec", None, 0.0),
        ("status 503", "https", False, 0.0),
        ("blackhole", "tcp", False, 1.5),
        ("stops_reading", "http", False, 1.5),
        ("1xx", "http", False, 1.5),
        ("timeout 500ms", "http", False, 0.5),
        ("garbage chunk", "http", None, 0.0),
        ("late_trailers 5s", "http", None, 0.0),
        ("lie up", "icmp", True, 0.0),
        ("lie down", "exec", False, 0.0),
        ("dns empty", "tcp", False, 0.0),
        ("dns empty", "icmp", False, 0.0),
        ("dns empty", "exec", None, 0.0),
        ("dns old 192.0.2.7", "http", None, 0.0),
        ("tls expired", "http", None, 0.0),
    ],
)
def test_probes(text: str, kind: str, alive: bool | None, seconds: float) -> None:
    fault = action(text)
    found = met(Injected("x", fault, fault.low), Check("c", kind, timeout=1.5))
    assert (None if found is None else found.alive) == alive
    if found is not None:
        assert found.seconds == seconds
        assert found.reason.endswith("(injected)")


@pytest.mark.parametrize(
    ("text", "kind", "timeout", "alive", "seconds"),
    [
        ("drop", "tcp", 1.5, False, 1.5),
        ("drop", "icmp", 1.5, False, 1.5),
        ("drop 10%", "udp", 1.5, False, 1.5),
        # A lost SYN is sent again after a second (RFC 6298): too late for a probe that waits no longer.
        ("drop 10%", "tcp", 1.5, None, 0.0),
        ("drop 10%", "http", 1.0, False, 1.0),
        ("corrupt", "dns", 1.5, False, 1.5),
        ("delay 2s", "tcp", 1.5, False, 1.5),
        ("delay 1s", "tcp", 1.5, None, 0.0),
        ("rst", "tcp", 1.5, False, 0.0),
        ("rst", "udp", 1.5, None, 0.0),
        ("unreachable", "http", 1.5, False, 0.0),
        ("unreachable", "udp", 1.5, False, 0.0),
        ("duplicate", "tcp", 1.5, None, 0.0),
        ("reorder", "udp", 1.5, None, 0.0),
        ("drop", "exec", 1.5, None, 0.0),
        ("rst", "agent", 1.5, None, 0.0),
    ],
)
def test_probes_whose_packets_meet_it(
    text: str, kind: str, timeout: float, alive: bool | None, seconds: float
) -> None:
    fault = action(text)
    found = met(Injected("x", fault, fault.low, packets=True), Check("c", kind, timeout=timeout))
    assert (None if found is None else found.alive) == alive
    if found is not None:
        assert found.seconds == seconds
        assert found.reason.endswith("(injected)")


@pytest.mark.parametrize(
    ("text", "tls", "reason"),
    [
        ("tls expired", ServerTLS(), "TLS: certificate verify failed: certificate has expired (injected)"),
        ("tls wrong_name", ServerTLS(), "TLS: the server's certificate is not for n.example (injected)"),
        (
            "tls wrong_name",
            ServerTLS(name="shop.example"),
            "TLS: the server's certificate is not for shop.example (injected)",
        ),
        (
            "tls unknown_ca",
            ServerTLS(),
            "TLS: certificate verify failed: unable to get local issuer certificate (injected)",
        ),
        ("tls stall", ServerTLS(verify=False), "no TLS handshake within 1.5s (injected)"),
        # Who does not look at certificates does not see what is wrong with them.
        ("tls expired", ServerTLS(verify=False), None),
        ("tls stall", None, None),
    ],
)
def test_certificates(text: str, tls: ServerTLS | None, reason: str | None) -> None:
    found = met(Injected("x", action(text)), Check("c", "https", timeout=1.5), tls, "n.example")
    assert (None if found is None else found.reason) == reason


def test_the_lack_of_a_guest_says_nothing() -> None:
    found = met(Injected("x", action("refuse")), Check("c", "agent", timeout=1.5))
    assert found is not None
    assert found.alive is None


def test_a_check_of_another_address_asks_for_no_name() -> None:
    assert met(Injected("x", action("dns empty")), Check("c", "tcp", address="10.0.0.9")) is None
