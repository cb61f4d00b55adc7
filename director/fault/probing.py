"""What a probe of a health check meets under a fault: pure.

A fault shows in a check only as far as the real thing would: a server that hangs still accepts, so a check
that only connects goes on passing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from director.model.drills import Injected
    from director.model.pools import Check

_ONLY_CONNECTS = frozenset({"tcp"})
_ELSEWHERE = frozenset({"icmp", "exec", "dns", "udp"})
"""Kinds that ask another way than a request of layer 7 goes."""
_DATAGRAMS = frozenset({"icmp", "dns", "udp"})
FIRST_RTO = 1.0
"""Seconds after which TCP sends a lost SYN again (RFC 6298, 2.1)."""
_LOSING = frozenset({"drop", "corrupt"})
_WORDS = {
    "reset": "the connection was reset",
    "close": "the connection was closed",
    "truncate": "the connection was closed",
    "garbage": "no HTTP",
}


@frozen
class MetProbe:
    """How it ends: after `seconds`, alive or not, and why."""

    seconds: float
    alive: bool
    reason: str


def met(injected: Injected, check: Check) -> MetProbe | None:
    """How a probe ends that meets the fault; None when it ends as it would without."""
    action = injected.action
    kind = action.kind
    if injected.packets:
        return _met_by_packets(injected, check)
    if check.kind in _ELSEWHERE:
        return None
    if kind == "refuse":
        return MetProbe(0.0, False, "connect refused (injected)")
    if check.kind in _ONLY_CONNECTS:
        return None
    if kind == "hang" or (kind == "delay" and injected.delay >= check.timeout):
        return MetProbe(check.timeout, False, f"no answer within {check.timeout:g}s (injected)")
    if kind == "status" and check.kind == "http":
        status = action.size or 503
        alive = not check.terms and any(low <= status <= high for low, high in check.statuses)
        return MetProbe(0.0, alive, f"status {status} (injected)")
    if kind in _WORDS:
        return MetProbe(0.0, False, f"{_WORDS[kind]} (injected)")
    return None


def _met_by_packets(injected: Injected, check: Check) -> MetProbe | None:
    """How a probe ends one of whose packets meets the fault; what a program asks is not known (`exec`)."""
    action, datagrams = injected.action, check.kind in _DATAGRAMS
    if check.kind == "exec":
        return None
    # Of all packets nothing arrives; one that is lost now and then is sent again by TCP.
    lost = action.kind in _LOSING and (action.share >= 1.0 or datagrams or check.timeout <= FIRST_RTO)
    if lost or (action.kind == "delay" and injected.delay >= check.timeout):
        return MetProbe(check.timeout, False, f"no answer within {check.timeout:g}s (injected)")
    if action.kind == "rst" and not datagrams:
        return MetProbe(0.0, False, "connect refused (injected)")
    if action.kind == "unreachable":
        return MetProbe(0.0, False, "unreachable (injected)")
    return None
