"""What a probe of a health check meets under a fault: pure.

A fault shows in a check only as far as the real thing would: a server that hangs still accepts, so a check
that only connects goes on passing; a certificate is seen by who verifies one; a name by who looks it up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from director.model.drills import Injected
    from director.model.pools import Check, ServerTLS

_ONLY_CONNECTS = frozenset({"tcp"})
_ELSEWHERE = frozenset({"icmp", "exec", "dns", "udp"})
"""Kinds that ask another way than a request of layer 7 goes."""
_DATAGRAMS = frozenset({"icmp", "dns", "udp"})
FIRST_RTO = 1.0
"""Seconds after which TCP sends a lost SYN again (RFC 6298, 2.1)."""
_LOSING = frozenset({"drop", "corrupt"})
_GUESTS = frozenset({"agent"})
"""Kinds whose lack says nothing of the server."""
_OF_HTTP = frozenset({"http", "https"})
_WORDS = {
    "reset": "the connection was reset",
    "close": "the connection was closed",
    "truncate": "the connection was closed",
    "garbage": "no HTTP",
}
_SILENT = frozenset({"hang", "stops_reading", "1xx"})
CERTIFICATES = {
    "expired": "TLS: certificate verify failed: certificate has expired",
    "wrong_name": "TLS: the server's certificate is not for {name}",
    "unknown_ca": "TLS: certificate verify failed: unable to get local issuer certificate",
}
"""What a check says of certificates that are not good."""
NO_ADDRESS = "the name cannot be resolved"


@frozen
class MetProbe:
    """How it ends: after `seconds`, alive or not (None: nothing is known), and why."""

    seconds: float
    alive: bool | None
    reason: str


def met(injected: Injected, check: Check, tls: ServerTLS | None = None, host: str = "") -> MetProbe | None:
    """How a probe ends that meets the fault; None when it ends as it would without.

    `tls`: how the server is met, None = in clear text; `host`: of its address.
    """
    action = injected.action
    if action.kind == "lie":
        alive = action.word == "up"
        return MetProbe(0.0, alive, f"{'passed' if alive else 'failed'} (injected)")
    if injected.packets:
        found = _of_packets(injected, check)
    else:
        found = _of_connection(injected, check, tls, host)
        if found is None and check.kind not in _ELSEWHERE | _ONLY_CONNECTS:
            found = _of_answer(injected, check)
    if found is not None and check.kind in _GUESTS:
        return MetProbe(found.seconds, None, found.reason)
    return found


def _of_connection(injected: Injected, check: Check, tls: ServerTLS | None, host: str) -> MetProbe | None:
    """Before anything can be asked."""
    kind, word = injected.action.kind, injected.action.word
    if kind == "dns" and not injected.action.old_address and check.kind != "exec" and not check.address:
        return MetProbe(0.0, False, f"{NO_ADDRESS} (injected)")
    if check.kind in _ELSEWHERE:
        return None
    if kind == "refuse":
        return MetProbe(0.0, False, "connect refused (injected)")
    if kind == "blackhole":
        return MetProbe(check.timeout, False, f"connect timed out within {check.timeout:g}s (injected)")
    if kind != "tls" or tls is None:
        return None
    if word == "stall":
        return MetProbe(check.timeout, False, f"no TLS handshake within {check.timeout:g}s (injected)")
    if not tls.verify:
        return None
    return MetProbe(0.0, False, CERTIFICATES[word].format(name=tls.name or host) + " (injected)")


def _of_answer(injected: Injected, check: Check) -> MetProbe | None:
    """By what is answered, or not."""
    action, kind = injected.action, injected.action.kind
    if kind == "hang" and 0 < action.low < check.timeout:
        return MetProbe(action.low, False, "the connection was closed (injected)")
    if kind in _SILENT or (kind == "delay" and injected.delay >= check.timeout):
        return MetProbe(check.timeout, False, f"no answer within {check.timeout:g}s (injected)")
    if kind == "status" and check.kind in _OF_HTTP:
        status = action.size or 503
        alive = not check.terms and any(low <= status <= high for low, high in check.statuses)
        return MetProbe(0.0, alive, f"status {status} (injected)")
    if kind in _WORDS and action.word != "chunk":
        return MetProbe(0.0, False, f"{_WORDS[kind]} (injected)")
    return None


def _of_packets(injected: Injected, check: Check) -> MetProbe | None:
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
