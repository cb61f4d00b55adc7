"""One view model for API, command line and pages: live values in, JSON-able dicts out.

Pure.  Nothing here formats for people beyond short words (`status`); durations
are seconds, times ISO 8601 in UTC.  `overview` builds the verdict on top of these.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from director.admin.control import Event, Evidence, Listener, Moment, PacketFigures, TraceRecord
from director.admin.rates import Rates
from director.admin.story import story
from director.model.conditions import And, Condition, Not, Or, Term
from director.model.http import FaultStep, L7Service, Rule
from director.model.pools import State
from director.model.virtual import L4Service
from director.registry.counters import LATENCY_BOUNDS, Requests, Traffic, Zeroable
from director.registry.registry import Generation, LivePool, LiveService, RealServer, Registry

Json = dict[str, Any]

CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")


@frozen
class Sight:
    """Everything a view may look at, taken at one moment."""

    registry: Registry
    moment: Moment
    rates: Rates
    listeners: tuple[Listener, ...] = ()
    evidence: tuple[Evidence, ...] = ()


def stamp(time: float) -> str:
    """A wall-clock time as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def since(moment: Moment, then: float) -> Json:
    """When something began, as a time and as seconds ago."""
    return {"since": stamp(moment.when(then)), "for": round(max(0.0, moment.now - then), 3)}


# --- figures ------------------------------------------------------------------------------


def figures(requests: Requests) -> Json:
    """Counters of layer 7: requests, responses by class, errors by cause, latency quantiles."""
    return {
        "requests": requests.requests,
        "responses": dict(zip(CLASSES, requests.responses[1:], strict=True)),
        "errors": dict(sorted(requests.errors.items())),
        "latency": {"p50": quantile(requests, 0.5), "p99": quantile(requests, 0.99)},
    }


def quantile(requests: Requests, share: float) -> float | None:
    """Upper bound in seconds of the bucket that holds the share; the last bound stands for all above."""
    found = requests.latency.quantile(share)
    return None if found is None else min(found, LATENCY_BOUNDS[-1])


def traffic(stats: Zeroable) -> Json:
    """Connections, packets and bytes since the last zeroing, and their rates per second."""
    totals = dict(zip(Traffic.NAMES, stats.shown(), strict=True))
    return {**totals, "rates": dict(zip(Traffic.NAMES, stats.estimator.rates(), strict=True))}


def packets_view(found: PacketFigures | None) -> Json:
    """Layer 4 as a whole; `running` is false and all is empty while it does not run."""
    whole = found or PacketFigures(Zeroable(), {}, 0)
    counters = dict(sorted(whole.counters.items()))
    shown = {"flows": whole.flows, "traffic": traffic(whole.total), "counters": counters}
    return {"running": found is not None, **shown}


# --- servers and pools -----------------------------------------------------------------------


def health(server: RealServer) -> str:
    """`down`, `up`, `checking` (no verdict of every check yet) or `unchecked` (the pool has no check)."""
    if server.failing:
        return "down"
    checks = frozenset(server.pool.config.checks)
    if not checks:
        return "unchecked"
    return "up" if server.reported >= checks else "checking"


def status(server: RealServer) -> str:
    """One or two words for people: what the server does, and what is left to do."""
    if server.state is State.MAINT:
        return "maintenance"
    if server.failing:
        return "down"
    if server.state is State.DRAIN:
        return "drained" if server.empty else f"draining, {left(server)} left"
    if server.weight == 0:
        return "quiesced"
    if server.overloaded:
        return "full"
    if server.config.backup and server not in server.pool.eligible():
        return "standby"
    return "up"


def left(server: RealServer) -> str:
    """What is still on a server; of layer 4 also what is not established any more, as `InActConn` of IPVS."""
    return f"{server.active} active, {server.inactive} inactive" if server.inactive else str(server.active)


def server_view(server: RealServer, sight: Sight) -> Json:
    """A server with its state, evidence and counters."""
    found = [one for one in sight.evidence if one.address == server.key]
    return _server_view(server, sight, found)


def _server_view(server: RealServer, sight: Sight, evidence: Iterable[Evidence]) -> Json:
    config = server.config
    return {
        "pool": server.pool.name,
        "name": server.name,
        "address": server.key,
        "status": status(server),
        "state": server.state.value,
        "health": health(server),
        "failing": sorted(server.failing),
        **since(sight.moment, server.since),
        "checks": [
            check_view(one, sight.moment) for one in evidence if one.check in server.pool.config.checks
        ],
        "weight": server.weight,
        "max": server.max,
        "min": server.min,
        "backup": config.backup,
        "forward": config.forward.value if config.forward else None,
        "eligible": server in server.pool.eligible(),
        "overloaded": server.overloaded,
        "active": server.active,
        "inactive": server.inactive,
        "persistent": server.persistent,
        "load": server.load,
        "empty": server.empty,
        "rate": sight.rates.per_second(server.pool.name, server.name),
        **figures(server.requests),
        "traffic": traffic(server.stats),
    }


def pool_view(pool: LivePool, sight: Sight, *, servers: bool = True) -> Json:
    """A pool, with its servers when they are asked for."""
    config = pool.config
    eligible = pool.eligible()
    view: Json = {
        "name": pool.name,
        "scheduler": str(config.scheduler),
        "checks": list(config.checks),
        "persist": config.persist.name if config.persist else None,
        "queue": {
            "waiting": pool.waiting,
            "length": config.queue.length,
            "timeout": config.queue.timeout,
            "full": pool.queue_full,
            "timeouts": pool.queue_timeouts,
        },
        "no_server": pool.no_server,
        "scheduler_failures": pool.scheduler_failures,
        "total": len(pool.servers),
        "eligible": len(eligible),
        "why_none": "" if eligible else pool.why_none(),
        "used_by": users(sight.registry, pool.name),
    }
    if servers:
        view["servers"] = server_views(pool.servers, sight)
    return view


def server_views(servers: Iterable[RealServer], sight: Sight) -> list[Json]:
    """Views of many servers; the evidence is sorted by address once."""
    by_address: dict[str, list[Evidence]] = {}
    for one in sight.evidence:
        by_address.setdefault(one.address, []).append(one)
    return [_server_view(server, sight, by_address.get(server.key, ())) for server in servers]


def users(registry: Registry, pool: str) -> list[str]:
    """Keys of the services that send to a pool, by themselves or by a rule."""
    found = [key for key, live in registry.services.items() if live.config.pool == pool]
    found += [f"l7:{rule.service}" for rule in registry.configuration.rules if rule.pool == pool]
    return list(dict.fromkeys(found))


# --- services and rules ------------------------------------------------------------------------


def service_view(live: LiveService, sight: Sight) -> Json:
    """A service of either layer with its listeners and counters."""
    config = live.config
    view: Json = {
        "key": live.key,
        "name": config.name,
        "layer": live.key.partition(":")[0],
        "pool": config.pool or None,
        "listeners": [listener_view(one) for one in sight.listeners if one.service == live.key],
        "rate": sight.rates.per_second(live.key),
        **figures(live.requests),
        "traffic": traffic(live.stats),
    }
    return {**view, **(_l7(config, sight) if isinstance(config, L7Service) else _l4(config))}


def _l7(config: L7Service, sight: Sight) -> Json:
    return {
        "protocol": config.protocol,
        "listen": [str(one) for one in config.listen],
        "switch": config.switch,
        "rules": sum(rule.service == config.name for rule in sight.registry.configuration.rules),
        "fault": [fault_step(one) for one in config.fault],
    }


def _l4(config: L4Service) -> Json:
    return {
        "protocol": config.virtual.protocol,
        "listen": [str(config.virtual)],
        "forward": config.forward.value,
        "scheduler": str(config.scheduler) if config.scheduler else None,
        "persistent": config.persistent,
        "rules": 0,
        "fault": [],
    }


def fault_step(step: FaultStep) -> str:
    """A step as it is written."""
    return " ".join(part for part in (step.kind, step.name, str(step.address or "")) if part)


def listener_view(one: Listener) -> Json:
    """Where a service listens, and what is wrong when it does not."""
    return {"address": one.address, "bound": one.bound, "error": one.error}


def rule_view(rule: Rule, sight: Sight) -> Json:
    """A rule in the order of its number, with its hits."""
    live = sight.registry.services.get(f"l7:{rule.service}")
    counters = live.rules.get(rule.name) if live else None
    return {
        "name": rule.name,
        "number": rule.number,
        "title": rule.title,
        "service": rule.service,
        "when": condition(rule.when) if rule.when else "",
        "action": action(rule),
        "rate": sight.rates.per_second(f"l7:{rule.service}", "rule", rule.name),
        **figures(counters or Requests()),
    }


def action(rule: Rule) -> str:
    """What a rule does, as it is written."""
    if rule.redirect:
        return f"redirect {rule.redirect[0]} {rule.redirect[1]}"
    if rule.respond:
        return f"respond {rule.respond[0]}"
    return f"pool {rule.pool}"


def condition(part: Condition) -> str:
    """A condition as an operator would write it."""
    if isinstance(part, Term):
        words = (part.fact, part.name, part.operator, *part.values)
        return " ".join(word for word in words if word)
    if isinstance(part, Not):
        return f"not {_grouped(part.part)}"
    word = " and " if isinstance(part, And) else " or "
    return word.join(_grouped(one) for one in part.parts)


def _grouped(part: Condition) -> str:
    text = condition(part)
    return f"({text})" if isinstance(part, And | Or) else text


# --- the rest ------------------------------------------------------------------------------------


def check_view(one: Evidence, moment: Moment) -> Json:
    """Evidence of one check about one address."""
    verdict = {True: "up", False: "down", None: "checking"}[one.alive]
    return {
        "check": one.check,
        "address": one.address,
        "verdict": verdict,
        "evidence": one.text,
        "last": list(one.last),
        "seconds": one.seconds,
        **since(moment, one.since),
    }


def generation_view(one: Generation) -> Json:
    """Who changed what, and when."""
    return {"number": one.number, "author": one.author, "time": stamp(one.time), "diff": list(one.diff)}


def event_view(one: Event) -> Json:
    """An event."""
    return {"time": stamp(one.time), "level": one.level, "text": one.text}


def trace_view(trace: TraceRecord, registry: Registry) -> Json:
    """A trace with its story; `servers` is the present size of the pool."""
    pool = registry.pools.get(trace["pool"])
    view: Json = {
        **trace,
        "time": stamp(trace["time"]),
        "tries": [list(one) for one in trace["tries"]],
        "times": dict(trace["times"]),
        "servers": len(pool.servers) if pool else None,
    }
    cookie = pool.config.persist.name if pool and pool.config.persist else ""
    view["story"] = story(view, cookie)
    return view
