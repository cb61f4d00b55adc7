"""One view model for API, command line and pages: snapshots in, JSON-able dicts out.

Pure.  Nothing here formats for people beyond short words (`status`); durations
are seconds, times ISO 8601 in UTC.  `overview` builds the verdict on top of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from attrs import asdict, field, frozen

from director.admin.control import TraceRecord
from director.admin.emptying import Emptying
from director.admin.explanation import sentences
from director.admin.rates import Rates
from director.admin.trends import Trends
from director.config.writing.conditions import condition
from director.config.writing.pools import tunnel
from director.config.writing.services import fault_step
from director.model.http import Children, L7Service, Rule
from director.model.pools import NO_ADVICE, State, passive
from director.model.virtual import L4Service, L4Settings, SyncDaemon
from director.registry.counters import LATENCY_BOUNDS, RequestFigures, Traffic, TrafficFigures, quantile
from director.registry.reports import (
    CheckEvidence,
    FaultState,
    Instant,
    ListenerState,
    LogEvent,
    PacketFigures,
)
from director.registry.snapshot import PoolSnapshot, RegistrySnapshot, ServerSnapshot, ServiceSnapshot

Json = dict[str, Any]
T = TypeVar("T")

CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")


@frozen
class ViewContext:
    """Everything a view may look at, taken at one moment.

    `unkept` says why the last change would be lost at a restart; "" when it is kept.  `certificates` has how
    many seconds each of them lasts, `evidence_at` the evidence by address, `listeners_of` the listeners by
    service.
    """

    seen: RegistrySnapshot
    moment: Instant
    rates: Rates
    listeners: tuple[ListenerState, ...] = ()
    evidence: tuple[CheckEvidence, ...] = ()
    trends: Trends = field(factory=Trends)
    emptying: Emptying = field(factory=Emptying)
    unkept: str = ""
    certificates: Mapping[str, float] = field(factory=dict)
    evidence_at: Mapping[str, Sequence[CheckEvidence]] = field(init=False)
    listeners_of: Mapping[str, Sequence[ListenerState]] = field(init=False)

    @evidence_at.default
    def _by_address(self) -> Mapping[str, Sequence[CheckEvidence]]:
        return _grouped(self.evidence, lambda one: one.address)

    @listeners_of.default
    def _by_service(self) -> Mapping[str, Sequence[ListenerState]]:
        return _grouped(self.listeners, lambda one: one.service)


def _grouped(things: Iterable[T], key: Callable[[T], str]) -> Mapping[str, Sequence[T]]:
    """Things by what thousands of servers and services each ask for."""
    found: dict[str, list[T]] = {}
    for one in things:
        found.setdefault(key(one), []).append(one)
    return found


def stamp(time: float) -> str:
    """A wall-clock time as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def since(moment: Instant, then: float) -> Json:
    """When something began, as a time and as seconds ago."""
    return {"since": stamp(moment.when(then)), "for": round(max(0.0, moment.now - then), 3)}


# --- figures ------------------------------------------------------------------------------


def figures(requests: RequestFigures) -> Json:
    """Counters of layer 7: requests, responses by class, errors by cause, latency quantiles."""
    return {
        "requests": requests.requests,
        "responses": dict(zip(CLASSES, requests.responses[1:], strict=True)),
        "errors": dict(sorted(requests.errors)),
        "latency": {"p50": latency(requests, 0.5), "p99": latency(requests, 0.99)},
    }


def latency(requests: RequestFigures, share: float) -> float | None:
    """Upper bound in seconds of the bucket that holds the share; the last bound stands for all above."""
    found = quantile(requests.buckets, share)
    return None if found is None else min(found, LATENCY_BOUNDS[-1])


def traffic(stats: TrafficFigures) -> Json:
    """Connections, packets and bytes since the last zeroing, and their rates per second."""
    totals = dict(zip(Traffic.NAMES, stats.shown, strict=True))
    return {**totals, "rates": dict(zip(Traffic.NAMES, stats.rates, strict=True))}


def packets_view(found: PacketFigures | None, settings: L4Settings) -> Json:
    """Layer 4 as a whole; `running` is false and all that is counted is empty while it does not run."""
    whole = found or PacketFigures(TrafficFigures(), {}, 0)
    return {
        "running": found is not None,
        "flows": whole.flows,
        "traffic": traffic(whole.total),
        "counters": dict(sorted(whole.counters.items())),
        "size": 1 << settings.conn_tab_bits,
        "timeouts": {
            "tcp": settings.timeout_tcp,
            "tcpfin": settings.timeout_tcpfin,
            "udp": settings.timeout_udp,
        },
        "sync": {
            "master": _sync_daemon(settings.sync_master),
            "backup": _sync_daemon(settings.sync_backup),
        },
    }


def _sync_daemon(daemon: SyncDaemon | None) -> Json | None:
    return None if daemon is None else asdict(daemon)


# --- servers and pools -----------------------------------------------------------------------


def health(server: ServerSnapshot) -> str:
    """`down`, `up`, `checking` (no verdict of every check yet) or `unchecked` (the pool has no check)."""
    if server.ill:
        return "down"
    if not server.checks:
        return "unchecked"
    return "up" if server.reported.issuperset(server.checks) else "checking"


def status(server: ServerSnapshot) -> str:
    """One or two words for people: what the server does, and what is left to do."""
    wanted = (server.state, server.advice.state)
    if State.MAINT in wanted:
        return "maintenance"
    if server.ill:
        return "down, used all the same (panic)" if server.eligible else "down"
    if State.DRAIN in wanted:
        return "drained" if server.empty else f"draining, {left(server)} left"
    if server.weight == 0:
        return "quiesced"
    if server.overloaded:
        return "full"
    return "standby" if server.config.backup and not server.eligible else "up"


def left(server: ServerSnapshot) -> str:
    """What is still on a server; of layer 4 also what is not established any more, as `InActConn` of IPVS."""
    return f"{server.active} active, {server.inactive} inactive" if server.inactive else str(server.active)


def note(server: ServerSnapshot) -> str:
    """What the status alone does not say: a server that was full takes nothing new for a while (B.5)."""
    if server.advice != NO_ADVICE:
        return f"its agent says {server.advice}"
    if server.failing and not server.ill:
        return f"fails {', '.join(sorted(server.failing))}; enough other checks hold"
    if not server.overloaded or server.weight == 0:
        return ""
    bound = server.min or -(-server.max * 3 // 4)
    return f"its max of {server.max} was reached; nothing new until it has fewer than {bound}"


def server_view(server: ServerSnapshot, context: ViewContext) -> Json:
    """A server with its state, evidence and counters."""
    config, evidence = server.config, context.evidence_at.get(server.address, ())
    return {
        "pool": server.pool,
        "name": server.name,
        "address": server.address,
        "status": status(server),
        "note": note(server),
        "state": server.state.value,
        "health": health(server),
        "failing": sorted(server.failing),
        **since(context.moment, server.since),
        "checks": [check_view(one, context.moment) for one in evidence if _about(one, server)],
        "weight": server.weight,
        "max": server.max,
        "min": server.min,
        "advice": str(server.advice),
        "backup": config.backup,
        "forward": config.forward.value if config.forward else None,
        "tunnel": tunnel(config.tunnel),
        "eligible": server.eligible,
        "overloaded": server.overloaded,
        "active": server.active,
        "inactive": server.inactive,
        "persistent": server.persistent,
        "load": server.load,
        "empty": server.empty,
        "empties_in": _rounded(context.emptying.seconds(server.pool, server.name)),
        "rate": context.rates.per_second(server.pool, server.name),
        **figures(server.requests),
        "traffic": traffic(server.traffic),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _about(one: CheckEvidence, server: ServerSnapshot) -> bool:
    """It is of a check of the server's pool, or of its ejection from that."""
    return one.check in server.checks or one.check == passive(server.pool)


def pool_view(pool: PoolSnapshot, context: ViewContext, *, servers: bool = True) -> Json:
    """A pool, with its servers when they are asked for."""
    config = pool.config
    view: Json = {
        "name": pool.name,
        "scheduler": str(config.scheduler),
        "replaced": list(pool.replaced),
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
        "eligible": pool.eligible,
        "why_none": pool.why_none,
        "needed": config.needed or len(config.checks),
        "panic": pool.panic,
        "used_by": list(pool.used_by),
    }
    if servers:
        view["servers"] = server_views(pool.servers, context)
    return view


def server_views(servers: Iterable[ServerSnapshot], context: ViewContext) -> list[Json]:
    """Views of many servers."""
    return [server_view(server, context) for server in servers]


# --- services and rules ------------------------------------------------------------------------


def service_view(live: ServiceSnapshot, context: ViewContext) -> Json:
    """A service of either layer with its listeners and counters."""
    config = live.config
    view: Json = {
        "key": live.key,
        "name": config.name,
        "layer": live.key.partition(":")[0],
        "pool": config.pool or None,
        "listeners": [listener_view(one) for one in context.listeners_of.get(live.key, ())],
        "rate": context.rates.per_second(live.key),
        **figures(live.requests),
        "traffic": traffic(live.traffic),
    }
    return {**view, **(_l7(config, context) if isinstance(config, L7Service) else _l4(config))}


def _l7(config: L7Service, context: ViewContext) -> Json:
    return {
        "protocol": config.protocol,
        "listen": [str(one) for one in config.listen],
        "switch": config.switch,
        "rules": sum(rule.service == config.name for rule in context.seen.configuration.rules),
        "fault": [fault_step(one) for one in config.fault],
        "start": config.start,
        "max_connections": config.max_connections,
        "ktcpvs": _children(config.ktcpvs),
    }


def _children(found: Children | None) -> Json | None:
    """In the words of a KTCPVS file; None when nobody said any."""
    if found is None:
        return None
    return {
        "startservers": found.start,
        "minspareservers": found.min_spare,
        "maxspareservers": found.max_spare,
    }


def _l4(config: L4Service) -> Json:
    return {
        "protocol": config.virtual.protocol,
        "listen": [str(config.virtual)],
        "virtual": str(config.virtual),
        "forward": config.forward.value,
        "scheduler": str(config.scheduler) if config.scheduler else None,
        "persistent": config.persistent,
        "netmask": config.netmask,
        "ops": config.ops,
        "pe": config.engine or None,
        "rules": 0,
        "fault": [],
    }


def listener_view(one: ListenerState) -> Json:
    """Where a service listens, and what is wrong when it does not."""
    return {"address": one.address, "bound": one.bound, "error": one.error}


def rule_view(rule: Rule, context: ViewContext) -> Json:
    """A rule in the order of its number, with its hits."""
    live = context.seen.services.get(f"l7:{rule.service}")
    counters = live.rules.get(rule.name) if live else None
    return {
        "name": rule.name,
        "number": rule.number,
        "title": rule.title,
        "service": rule.service,
        "when": rule.shown("when", condition(rule.when)) if rule.when else "",
        "action": action(rule),
        "pool": rule.pool or None,
        "hash": rule.hash or None,
        "rate": context.rates.per_second(f"l7:{rule.service}", "rule", rule.name),
        **figures(counters or RequestFigures()),
    }


def action(rule: Rule) -> str:
    """What a rule does, as it is written."""
    if rule.redirect:
        return f"redirect {rule.shown('redirect', f'{rule.redirect[0]} {rule.redirect[1]}')}"
    if rule.respond:
        return f"respond {rule.respond[0]}"
    return f"pool {rule.pool}"


# --- the rest ------------------------------------------------------------------------------------


def check_view(one: CheckEvidence, moment: Instant) -> Json:
    """CheckEvidence of one check about one address."""
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


def fault_view(state: FaultState, moment: Instant) -> Json:
    """A fault, and how it runs; `left` are seconds."""
    fault, running = state.fault, state.running
    view: Json = {
        "name": fault.name,
        "server": list(fault.places),
        "do": str(fault.action),
        "when": condition(fault.when) if fault.when is not None else "",
        "hit": str(fault.hit),
        "checks": fault.checks,
        "ttl": fault.ttl,
        "seed": fault.seed if running is None else running.seed,
        "active": running is not None,
        "seen": state.seen,
        "hits": state.hits,
        "checks_hit": state.checks,
        "packets": state.packets,
    }
    if running is None:
        return {**view, "since": None, "for": None, "left": None, "author": None}
    left = round(max(0.0, running.ends - moment.now), 3)
    return {**view, **since(moment, running.began), "left": left, "author": running.author}


def event_view(one: LogEvent) -> Json:
    """An event."""
    return {"id": one.number, "time": stamp(one.time), "level": one.level, "text": one.text}


def trace_view(trace: TraceRecord, seen: RegistrySnapshot) -> Json:
    """A trace with its explanation; `servers` is the present size of the pool."""
    pool = seen.pools.get(trace["pool"])
    view: Json = {
        **trace,
        "time": stamp(trace["time"]),
        "tries": [list(one) for one in trace["tries"]],
        "times": dict(trace["times"]),
        "servers": len(pool.servers) if pool else None,
    }
    cookie = pool.config.persist.name if pool and pool.config.persist else ""
    view["story"] = sentences(view, cookie)
    return view
