"""Deciding without sending: what would become of a request (`director why`, `[test:…]`).

Nothing is claimed, counted or disturbed: schedulers are asked on a copy of their state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from director.l7.http.requests import RequestFramer, RequestHead
from director.l7.routing import affinity
from director.l7.routing.facts import Peer, RequestFacts
from director.l7.routing.fault_path import Cause, LocalStep, PageStep, PoolStep, ServerStep
from director.l7.routing.forwarded import client_address
from director.l7.routing.templates import location
from director.scheduling.preview import preview

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from director.l7.routing.rules import CompiledRule
    from director.l7.routing.service import CompiledService
    from director.registry.registry import LivePool, RealServer


def synthetic_head(
    service: CompiledService, method: str, target: str, host: str, headers: tuple[tuple[str, str], ...]
) -> RequestHead:
    """The head of a request that nobody sent, through the same framer as a real one.

    Raises MessageError for what a client would be refused for.
    """
    lines = [f"{method} {target} HTTP/1.1"]
    if not any(name.lower() == "host" for name, _ in headers):
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in headers]
    framer = RequestFramer(service.limits)
    framer.feed(("\r\n".join(lines) + "\r\n\r\n").encode("utf-8"))
    head = framer.head()
    assert head is not None  # noqa: S101 - the text above is whole, so the framer gives a head or raises
    return head


def explain(service: CompiledService, head: RequestHead, client: str, now: float) -> dict[str, Any]:
    """What would be decided, in the keys of a trace (`trace.as_dict`), with `scores` by server.

    Raises MessageError 400 when the path has no safe reading.
    """
    peer = Peer(client, 0, "", 0, trusted=service.trusts(client))
    facts = RequestFacts(
        head, peer, client_address(head, peer, service.config.trust, service.config.forwarded)
    )
    compiled = service.decide(facts)
    decision = _blank(service, facts)
    if compiled is not None:
        decision["rule"] = compiled.name
        if not compiled.pool:
            decision |= _own_answer(compiled, facts)
            return decision
    pool = service.registry.pools.get(compiled.pool if compiled is not None else service.config.pool)
    if pool is None:
        return decision | _fault(service, facts, now, f"service {service.config.name}", "no pool is named")
    return decision | _choice(service, pool, facts, now)


def _blank(service: CompiledService, facts: RequestFacts) -> dict[str, Any]:
    return {
        "id": "", "time": 0.0, "service": service.config.name, "client": facts.client, "method": facts.method,
        "target": facts.uri, "host": facts.host, "path": facts.path, "rule": "", "pool": "", "sticky": False,
        "scheduler": None, "active": None, "inactive": None, "load": None, "weight": None, "candidates": None,
        "server": "", "tries": [], "fault": "", "status": 0, "outcome": "explained", "sent": 0, "received": 0,
        "injected": [], "times": {"connect": None, "first_byte": None, "total": None}, "scores": {},
    }  # fmt: skip


def _own_answer(compiled: CompiledRule, facts: RequestFacts) -> dict[str, Any]:
    rule = compiled.rule
    if rule.redirect is not None:
        return {
            "status": rule.redirect[0],
            "outcome": "redirect",
            "location": location(rule.redirect[1], facts),
        }
    return {"status": (rule.respond or (404, ""))[0], "outcome": "respond"}


def _choice(service: CompiledService, pool: LivePool, facts: RequestFacts, now: float) -> dict[str, Any]:
    decision: dict[str, Any] = {"pool": pool.name}
    candidates = pool.eligible()
    decision["candidates"] = len(candidates)
    preferred = affinity.preferred(pool, facts)
    if preferred is not None and preferred.available:
        return decision | _server(preferred) | {"sticky": True, "scheduler": "sticky"}
    if not candidates:
        return decision | _fault(service, facts, now, f"pool {pool.name}", pool.why_none() + _patience(pool))
    scheduler = service.registry.scheduler(pool, service.key)
    if hasattr(scheduler, "explain"):
        decision["scores"] = _by_server(scheduler.explain(candidates, facts, now))
    decision["scheduler"] = scheduler.name
    chosen: Any = preview(scheduler, cast("Sequence[Any]", candidates), facts, now)
    if chosen is None:
        return decision | _fault(service, facts, now, f"pool {pool.name}", f"{scheduler.name} found none")
    return decision | _server(chosen)


def _patience(pool: LivePool) -> str:
    """What comes before the fault path when all are full: a place in the line, if there is one."""
    queue = pool.config.queue
    if not pool.full or queue.length <= pool.waiting:
        return ""
    return f"; it would wait for {queue.timeout:g} s at most"


def _fault(service: CompiledService, facts: RequestFacts, now: float, who: str, why: str) -> dict[str, Any]:
    """The step of the fault path that would be taken, in the words of `dispatch`."""
    decision: dict[str, Any] = {"tries": [(who, f"no_server: {why}")]}
    for step in service.faults(Cause.NO_SERVER):
        if isinstance(step, PageStep):
            return decision | {"fault": step.label, "status": step.page.status or Cause.NO_SERVER.status}
        name = _server_of(service, step, facts, now)
        if name:
            return decision | {"fault": step.label, "server": name}
    return decision | {"fault": "built-in page", "status": Cause.NO_SERVER.status}


def _server_of(
    service: CompiledService, step: ServerStep | PoolStep | LocalStep, facts: RequestFacts, now: float
) -> str:
    """Whom a step of the fault path leads to; '' for nobody."""
    if isinstance(step, ServerStep):
        return step.server.name
    return str(step.address) if isinstance(step, LocalStep) else _spare(service, step.name, facts, now)


def _spare(service: CompiledService, pool_name: str, facts: RequestFacts, now: float) -> str:
    """Whom the pool of a fault step would give; '' for nobody."""
    pool = service.registry.pools.get(pool_name)
    candidates = pool.eligible() if pool is not None else ()
    if pool is None or not candidates:
        return ""
    scheduler = service.registry.scheduler(pool, service.key)
    chosen: Any = preview(scheduler, cast("Sequence[Any]", candidates), facts, now)
    return "" if chosen is None else str(chosen.name)


def _by_server(scores: Iterable[tuple[str, str]]) -> dict[str, str]:
    """One text for each server, also when both schedulers of an `else` say something of it."""
    said: dict[str, str] = {}
    for server, text in scores:
        said[server] = f"{said[server]}; {text}" if server in said else text
    return said


def _server(server: RealServer) -> dict[str, Any]:
    return {
        "server": server.name, "active": server.active, "inactive": server.inactive, "load": server.load,
        "weight": server.weight,
    }  # fmt: skip
