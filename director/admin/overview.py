"""Is anything wrong, since when, and what is being done about it: the first screen's content.

Pure.  `overview` with `pools` gives what the page shows and `/api/v1/stats` returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from director.admin import views
from director.admin.control import TraceRecord
from director.admin.verdicts import Finding, answering
from director.admin.views import Json, ViewContext
from director.model.pools import State, passive
from director.registry.outage import instead
from director.registry.reports import LogEvent, ProcessFigures, Readiness
from director.registry.snapshot import PoolSnapshot, ServerSnapshot

POOL_ROWS = 40
"""Servers of a pool in the overview; those in trouble come first."""
ALL_ROWS = 200
"""Servers in the whole overview."""
FINDINGS = 20
DAY = 86400.0
ENDS_SOON = 14 * DAY
"""Seconds before its end at which a certificate is a trouble."""
SERVERS_NAMED = 5
"""Servers of a pool that are down and have a finding each; more have one together."""
ONE = ("its", "It is checked on and returns by itself.")
MANY = ("their", "They are checked on and return by themselves.")
LEVELS = ("ok", "warning", "error")

Texts = dict[tuple[str, str], str]
"""What a check found, by address and check."""


def findings(context: ViewContext, readiness: Readiness) -> list[Finding]:
    """All that is wrong now, the worst first."""
    listeners = (*_unbound(context, readiness), *_unready(context, readiness))
    found = [*listeners, *_pools(context), *_servers(context), *_unkept(context), *_certificates(context)]
    found += answering(context, {one.at for one in found if one.level == "error"})
    return sorted(found, key=lambda one: -LEVELS.index(one.level))


def _unbound(context: ViewContext, readiness: Readiness) -> Iterator[Finding]:
    """Listeners that are not there; what is in the way of all of layer 4 is said once, by `_unready`."""
    for one in context.listeners:
        packets = one.service.startswith("l4:")
        if one.bound or (packets and readiness.reasons):
            continue
        text = f"does not listen on {one.address}" + (f": {one.error}" if one.error else "")
        doing = "The others go on." if packets else "The others go on. Free the address, then reload."
        yield Finding("error", f"service {one.service}", text, None, doing)


def _unready(context: ViewContext, readiness: Readiness) -> Iterator[Finding]:
    told = [one.service for one in context.listeners if not one.bound and not one.service.startswith("l4:")]
    for reason in readiness.reasons:
        if not any(service in reason for service in told):
            text, doing = f"is not ready: {reason}", "Probes get 503 at /readyz until then."
            yield Finding("error", "director", text, readiness.since.get(reason), doing)


def _pools(context: ViewContext) -> Iterator[Finding]:
    for pool in context.seen.pools.values():
        if not pool.eligible and pool.used_by:
            then = max((server.since for server in pool.servers), default=None)
            text = f"cannot serve: {pool.why_none}"
            yield Finding("error", f"pool {pool.name}", text, then, instead(context.seen, pool))
        if pool.panic:
            doing = "Servers that come back end it; panic = off in the pool keeps dead ones out."
            yield Finding("error", f"pool {pool.name}", f"is in panic: {pool.panic}", None, doing)
        for said in pool.replaced:
            doing = "wlc chooses in its place. Mend the file, then reload."
            yield Finding("warning", f"pool {pool.name}", f"scheduler {said}", None, doing)
        if pool.eligible and pool.waiting:
            text = f"has {pool.waiting} requests waiting for a server with room"
            doing = f"They wait up to {pool.config.queue.timeout:g} s, then take the fault path."
            yield Finding("warning", f"pool {pool.name}", text, None, doing)


def _servers(context: ViewContext) -> Iterator[Finding]:
    """Servers that are down, one by one while they are few in their pool."""
    texts = {(one.address, one.check): one.text for one in context.evidence if one.alive is False}
    for pool in context.seen.pools.values():
        down = [one for one in pool.servers if one.ill and one.state is not State.MAINT]
        if len(down) > SERVERS_NAMED:
            yield _many(pool, down, texts)
            continue
        for server in down:
            at, text = f"server {pool.name}/{server.name}", f"is down: {_why(server, texts)}"
            yield Finding("warning", at, text, server.since, _meanwhile(pool, ONE))


def _unkept(context: ViewContext) -> Iterator[Finding]:
    """What an operator changed and a restart would lose."""
    if context.unkept:
        doing = "They hold until a restart; keeping them is tried again every few seconds, and at the stop."
        yield Finding("warning", "director", f"cannot keep changes: {context.unkept}", None, doing)


def _certificates(context: ViewContext) -> Iterator[Finding]:
    """Those that have ended, or will soon."""
    for name, left in context.certificates.items():
        if left < ENDS_SOON:
            level = "error" if left <= 0 else "warning"
            text = "has ended" if left <= 0 else f"ends in {left / DAY:.0f} days"
            doing = "A new pair in its files is taken at once; ACME makes one by itself while it can."
            yield Finding(level, f"certificate {name}", text, None, doing)


def _why(server: ServerSnapshot, texts: Texts) -> str:
    return "; ".join(
        f"{_who(check, server)}: {texts.get((server.address, check)) or 'failed'}"
        for check in sorted(server.failing)
    )


def _who(check: str, server: ServerSnapshot) -> str:
    return "ejected for its traffic" if check == passive(server.pool) else f"check {check}"


def _many(pool: PoolSnapshot, down: Sequence[ServerSnapshot], texts: Texts) -> Finding:
    names = ", ".join(one.name for one in down[:SERVERS_NAMED])
    text = (
        f"has {len(down)} of {len(pool.servers)} servers down: {names} and {len(down) - SERVERS_NAMED} more"
    )
    since = min(one.since for one in down)
    doing = f"{down[0].name}: {_why(down[0], texts)}. {_meanwhile(pool, MANY)}"
    return Finding("warning", f"pool {pool.name}", text, since, doing)


def _meanwhile(pool: PoolSnapshot, words: tuple[str, str]) -> str:
    others, (whose, after) = pool.eligible, words
    if not others:
        return f"No other server of the pool can take {whose} traffic. {after}"
    noun = "server takes" if others == 1 else "servers take"
    return f"{others} other {noun} {whose} traffic. {after}"


def headline(found: Sequence[Finding]) -> str:
    """The answer in one line."""
    errors = [one for one in found if one.level == "error"]
    if len(errors) == 1:
        return brief(errors[0])
    if errors:
        return f"{len(errors)} things are broken"
    if len(found) == 1:
        return f"Serving, but {brief(found[0], first=False)}"
    return f"Serving, with {len(found)} troubles" if found else "All is well"


def brief(one: Finding, *, first: bool = True) -> str:
    """A finding without its reason, as a sentence or the end of one."""
    text = f"{one.at} {one.text}".partition(": ")[0]
    return text[:1].upper() + text[1:] if first else text


def verdict(context: ViewContext, readiness: Readiness) -> Json:
    """Level, headline, since when, and the findings (at most `FINDINGS`; `more` counts the rest).

    `since` is of what the headline is about: the oldest of the worst.
    """
    found = findings(context, readiness)
    known = [one.since for one in found if one.since is not None and one.level == found[0].level]
    return {
        "level": found[0].level if found else "ok",
        "headline": headline(found),
        **(views.since(context.moment, min(known)) if known else {"since": None, "for": None}),
        "findings": [_finding_view(one, context) for one in found[:FINDINGS]],
        "more": max(0, len(found) - FINDINGS),
    }


def _finding_view(one: Finding, context: ViewContext) -> Json:
    when = {"since": None, "for": None} if one.since is None else views.since(context.moment, one.since)
    return {"level": one.level, "at": one.at, "text": one.text, "doing": one.doing, **when}


def _trouble(server: ServerSnapshot) -> int:
    """Order of rows: down first, then ordered away or full, then the rest as configured."""
    if server.ill:
        return 0
    return 1 if server.state is not State.READY or server.overloaded or server.weight == 0 else 2


def pool(pool: PoolSnapshot, context: ViewContext, room: int = ALL_ROWS) -> Json:
    """A pool with at most `room` of its servers, those in trouble first; `more` counts the rest."""
    shown: Sequence[ServerSnapshot] = pool.servers
    if len(shown) > room:
        shown = sorted(shown, key=_trouble)[:room]
    view = views.pool_view(pool, context, servers=False)
    return {**view, "servers": views.server_views(shown, context), "more": len(pool.servers) - len(shown)}


def pools(context: ViewContext) -> Iterator[Json]:
    """All pools, each with as many servers as fit."""
    left = ALL_ROWS
    for one in context.seen.pools.values():
        view = pool(one, context, min(POOL_ROWS, left))
        left -= len(view["servers"])
        yield view


def process_view(process: ProcessFigures, now: float) -> Json:
    """The process; `uptime` in seconds from its wall-clock start."""
    return {
        "version": process.version,
        "started": views.stamp(process.started),
        "uptime": round(max(0.0, now - process.started), 3),
        "rss": process.rss,
        "fds": process.fds,
        "max_fds": process.max_fds,
        "stalls": process.stalls,
        "worst_stall": process.worst_stall,
        "lost": dict(process.lost),
    }


def overview(
    context: ViewContext,
    readiness: Readiness,
    process: ProcessFigures,
    events: Iterable[LogEvent],
    traces: Iterable[TraceRecord],
) -> Json:
    """The first screen but its `pools`; of `traces`, the recent requests, the fault answers are shown."""
    seen = context.seen
    return {
        "name": seen.configuration.settings.name,
        "time": views.stamp(context.moment.time),
        "generation": seen.generation,
        "verdict": verdict(context, readiness),
        "process": process_view(process, context.moment.time),
        "servers": {
            "total": sum(len(pool.servers) for pool in seen.pools.values()),
            "eligible": sum(pool.eligible for pool in seen.pools.values()),
        },
        "certificates": [
            {"name": name, "left": round(left)}
            for name, left in sorted(context.certificates.items(), key=lambda one: one[1])
        ],
        "services": [views.service_view(live, context) for live in seen.services.values()],
        "events": [views.event_view(one) for one in events],
        "faults": [views.trace_view(one, seen) for one in traces if one["fault"]],
    }
