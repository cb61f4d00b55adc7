"""`X-Director-Trace`: the decision about a request in the head of its own response, for who may see it.

One member of a Structured Field list (RFC 8941 3.1): the director's name with parameters, so that several
directors in a row each add a line and together they still are one field.

    X-Director-Trace: "edge-1";id="f45c56-3";service="www";rule="100 images";client="192.0.2.9";pool="images";
        by="wlc";server="a";active=3;inactive=0;weight=2;candidates=4;tries="b: refused";connect=0.4;first=1.9

What was not so is left out.  Milliseconds, with one digit behind the point; `first` is from the begin of the
last try to the server's head.  Whatever stands in a name, the line is visible ASCII and bounded.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from director.l7.proxy.exchange import Exchange

ASKS = b"x-director-trace"
"""The field with which a client asks; whatever its value is."""
TEXT_LIMIT = 120
"""Characters of one value; a longer one ends in dots."""
TRIES_SHOWN = 4
"""Failed tries that are named, the last ones; the id leads to the others."""


def asked(exchange: Exchange) -> bool:
    """Its client wants the trace and may see it."""
    return exchange.client.peer.trusted and ASKS in exchange.head.fields


def field(exchange: Exchange, now: float | None = None) -> bytes:
    """The field's line, with its end; `now` is when the server's head came, None for responses of our own."""
    name = _text(exchange.service.policy.name)
    told = ";".join(f"{key}={value}" for key, value in _told(exchange, now))
    return f"X-Director-Trace: {name};{told}\r\n".encode("ascii")


def _told(exchange: Exchange, now: float | None) -> Iterator[tuple[str, str]]:
    """What was decided, in the order in which it was."""
    rule, pool, reason = exchange.rule, exchange.pool, exchange.reason
    yield "id", _text(exchange.identity)
    yield "service", _text(exchange.service.config.name)
    if rule is not None:
        yield "rule", _text(rule.name)
    yield "client", _text(exchange.facts.client)
    if pool is not None:
        yield "pool", _text(pool.name)
        if pool.config.persist is not None:
            yield "persist", _text("hit" if exchange.sticky else "miss")
    if exchange.wait_until is not None:
        yield "waited", _milliseconds((exchange.opened or exchange.wait_until) - exchange.started)
    # A server that was given up stands among the tries.
    if exchange.lease is not None and reason is not None:
        word, active, inactive, weight, candidates = reason
        yield "by", _text(word)
        yield "server", _text(exchange.server_name)
        yield from zip(
            ("active", "inactive", "weight", "candidates"),
            map(str, (active, inactive, weight, candidates)),
            strict=True,
        )
    elif exchange.target is not None:
        yield "server", _text(exchange.server_name)
    yield from _mishaps(exchange)
    if exchange.connected is not None:
        yield "connect", _milliseconds(exchange.connected)
    if now is not None:
        yield "first", _milliseconds(now - exchange.opened)


def _mishaps(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """What failed or was made to fail, and what came instead."""
    tries = exchange.tries
    if tries:
        yield "failed", str(len(tries))
        yield "tries", _text(", ".join(f"{who}: {why}" for who, why in tries[-TRIES_SHOWN:]))
    if exchange.met:
        yield "injected", _text(", ".join(f"{fault} on {who}" for who, fault in exchange.met[-TRIES_SHOWN:]))
    if exchange.cause is not None:
        yield "cause", _text(exchange.cause.value)
    if exchange.fault:
        yield "fault", _text(exchange.fault)


def _text(value: str) -> str:
    """A String of RFC 8941 3.3.3; what is no visible ASCII stands as `?`."""
    if len(value) > TEXT_LIMIT:
        value = value[: TEXT_LIMIT - 3] + "..."
    clean = "".join(one if " " <= one <= "~" else "?" for one in value)
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _milliseconds(seconds: float) -> str:
    """A Decimal of RFC 8941 3.3.2."""
    return f"{max(0.0, seconds) * 1000:.1f}"
