from __future__ import annotations

import pytest

from director.config.parse.faults import action
from director.fault.probing import met
from director.model.drills import Injected
from director.model.pools import Check


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
