"""What the API answers: a JSON schema for each route, by its name (`openapi` serves them).

Every key that is named here is always there; more keys may come with later versions, so clients bear with
those that they do not know.
"""

from __future__ import annotations

from typing import Any

from director.admin.accounts import ROLES
from director.admin.chronicle import FIGURES
from director.model.virtual import PROTOCOLS
from director.registry.counters import Traffic

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
YES: Schema = {"type": "boolean"}
NOTHING: Schema = {"type": "null"}
TIME: Schema = {"type": "string", "format": "date-time"}
LEVEL: Schema = {"type": "string", "enum": ["info", "warning", "error"]}


def words(*words: str) -> Schema:
    """One of these texts."""
    return {"type": "string", "enum": list(words)}


def maybe(schema: Schema) -> Schema:
    """That, or null."""
    return {"anyOf": [schema, NOTHING]}


def rows(schema: Schema) -> Schema:
    """A list of such."""
    return {"type": "array", "items": schema}


def each(schema: Schema) -> Schema:
    """An object whose keys are data."""
    return {"type": "object", "additionalProperties": schema}


def thing(*parts: Schema, **keys: Schema) -> Schema:
    """An object with at least these keys, and with those of `parts`."""
    for part in parts:
        keys = {**part["properties"], **keys}
    return {"type": "object", "required": list(keys), "properties": keys}


def named(name: str) -> Schema:
    """One of `COMPONENTS`."""
    return {"$ref": f"#/components/schemas/{name}"}


TEXTS = rows(TEXT)
SINCE = thing(**{"since": TIME, "for": NUMBER})
FIGURES_OF_7 = thing(
    requests=COUNT,
    responses=thing(**{f"{digit}xx": COUNT for digit in range(1, 6)}),
    errors=each(COUNT),
    latency=thing(p50=maybe(NUMBER), p99=maybe(NUMBER)),
)
_TOTALS = dict.fromkeys(Traffic.NAMES, WHOLE)
TRAFFIC = thing(**_TOTALS, rates=thing(**_TOTALS))
SYNC_DAEMON = thing(interface=TEXT, syncid=COUNT, group=TEXT, port=COUNT, ttl=COUNT, maxlen=COUNT)
ANY_VALUE: Schema = {}
CHANGES = rows(thing(what=TEXT, before=maybe(each(ANY_VALUE)), after=maybe(each(ANY_VALUE))))

_PROBE = thing(time=NUMBER, result=words("passed", "failed", "unknown"), reason=TEXT)

COMPONENTS: dict[str, Schema] = {
    "Error": thing(error=TEXT, at=TEXT),
    "Check": thing(
        SINCE,
        check=TEXT,
        address=TEXT,
        verdict=words("up", "down", "checking"),
        evidence=TEXT,
        last=rows(YES),
        seconds=maybe(NUMBER),
    ),
    "CheckHistory": thing(
        **{"for": NUMBER},
        check=TEXT,
        address=TEXT,
        verdict=words("up", "down", "checking"),
        evidence=TEXT,
        since=NUMBER,
        against=COUNT,
        needed=COUNT,
        advice=TEXT,
        results=rows(_PROBE),
        transitions=rows(
            thing(
                **{"from": TEXT},
                to=TEXT,
                time=NUMBER,
                reason=TEXT,
                count=COUNT,
                needed=COUNT,
                probes=rows(_PROBE),
            )
        ),
    ),
    "Server": thing(
        FIGURES_OF_7,
        SINCE,
        pool=TEXT,
        name=TEXT,
        address=TEXT,
        status=TEXT,
        note=TEXT,
        state=words("ready", "drain", "maint"),
        health=TEXT,
        failing=TEXTS,
        checks=rows(named("Check")),
        weight=COUNT,
        max=COUNT,
        min=COUNT,
        backup=YES,
        forward=maybe(TEXT),
        tunnel=TEXT,
        eligible=YES,
        overloaded=YES,
        active=WHOLE,
        inactive=WHOLE,
        persistent=WHOLE,
        load=WHOLE,
        empty=YES,
        empties_in=maybe(NUMBER),
        rate=maybe(NUMBER),
        traffic=TRAFFIC,
    ),
    "PoolSummary": thing(
        name=TEXT,
        scheduler=TEXT,
        replaced=TEXTS,
        checks=TEXTS,
        persist=maybe(TEXT),
        queue=thing(waiting=COUNT, length=COUNT, timeout=NUMBER, full=COUNT, timeouts=COUNT),
        no_server=COUNT,
        scheduler_failures=COUNT,
        total=COUNT,
        eligible=COUNT,
        why_none=TEXT,
        used_by=TEXTS,
    ),
    "Service": thing(
        FIGURES_OF_7,
        key=TEXT,
        name=TEXT,
        layer=words("l7", "l4"),
        pool=maybe(TEXT),
        listeners=rows(thing(address=TEXT, bound=YES, error=TEXT)),
        rate=maybe(NUMBER),
        traffic=TRAFFIC,
        protocol=TEXT,
        listen=TEXTS,
        rules=COUNT,
        fault=TEXTS,
    ),
    "Rule": thing(
        FIGURES_OF_7,
        name=TEXT,
        number=COUNT,
        title=TEXT,
        service=TEXT,
        when=TEXT,
        action=TEXT,
        rate=maybe(NUMBER),
    ),
    "Event": thing(id=COUNT, time=TIME, level=LEVEL, text=TEXT),
    "Generation": thing(
        **{"from": TEXT}, number=COUNT, author=TEXT, time=TIME, diff=TEXTS, changes=CHANGES, undoable=YES
    ),
    "Trace": thing(
        id=TEXT,
        time=TIME,
        service=TEXT,
        client=TEXT,
        method=TEXT,
        target=TEXT,
        host=TEXT,
        rule=TEXT,
        pool=TEXT,
        server=TEXT,
        fault=TEXT,
        outcome=TEXT,
        sticky=YES,
        scheduler=maybe(TEXT),
        candidates=maybe(COUNT),
        load=maybe(WHOLE),
        weight=maybe(WHOLE),
        tries=rows(TEXTS),
        status=COUNT,
        sent=WHOLE,
        received=WHOLE,
        times=each(maybe(NUMBER)),
        servers=maybe(COUNT),
        story=TEXTS,
    ),
    "PacketDecision": thing(
        layer=words("l4"),
        protocol=words(*PROTOCOLS),
        client=TEXT,
        virtual=TEXT,
        service=TEXT,
        pool=TEXT,
        bound=words("", "flow", "template"),
        server=TEXT,
        scheduler=maybe(TEXT),
        candidates=COUNT,
        forward=TEXT,
        load=maybe(WHOLE),
        weight=maybe(WHOLE),
        persistent=maybe(NUMBER),
        why_none=TEXT,
        considered=rows(thing(server=TEXT, status=TEXT, eligible=YES, load=WHOLE, weight=WHOLE)),
        story=TEXTS,
    ),
    "Fault": thing(
        **{"for": maybe(NUMBER), "do": TEXT},
        name=TEXT,
        server=TEXTS,
        when=TEXT,
        hit=TEXT,
        checks=YES,
        ttl=NUMBER,
        seed=maybe(WHOLE),
        active=YES,
        seen=COUNT,
        hits=COUNT,
        packets=COUNT,
        since=maybe(TIME),
        left=maybe(NUMBER),
        author=maybe(TEXT),
    ),
    "Run": thing(run=TEXT, drill=TEXT, began=TIME, running=YES, verdict=maybe(TEXT)),
    "Drill": thing(
        name=TEXT,
        service=TEXT,
        seconds=NUMBER,
        load=TEXTS,
        steps=TEXTS,
        expect=TEXTS,
        running=YES,
        runs=rows(named("Run")),
    ),
    "Connection": thing(
        protocol=TEXT,
        client=TEXT,
        virtual=TEXT,
        target=TEXT,
        state=TEXT,
        expires=NUMBER,
        service=TEXT,
        server=TEXT,
        forward=TEXT,
        packets=COUNT,
        template=YES,
        id=COUNT,
        engine=TEXT,
        data=TEXT,
        origin=words("LOCAL", "SYNC"),
    ),
    "Process": thing(
        name=TEXT, pid=COUNT, serving=YES, age=NUMBER, clients=COUNT, requests=COUNT, cpu=NUMBER, rss=COUNT
    ),
    "Rehearsal": thing(dry_run=YES, diff=TEXTS),
    "Change": thing(generation=COUNT, diff=TEXTS, changes=CHANGES, kept=YES),
    "Token": thing(
        id=TEXT, user=TEXT, role=words(*ROLES), note=TEXT, by=TEXT, made=TIME, expires=maybe(TIME)
    ),
    "Session": thing(
        **{"from": TEXT}, id=TEXT, user=TEXT, role=words(*ROLES), opened=TIME, used=TIME, current=YES
    ),
    "WaitingReload": thing(generation=COUNT, author=TEXT, seconds=NUMBER, guard=TEXT),
}
COMPONENTS["Pool"] = thing(COMPONENTS["PoolSummary"], servers=rows(named("Server")))
COMPONENTS["NewToken"] = thing(COMPONENTS["Token"], token=TEXT)
_WAY = thing(rule=TEXT, pool=TEXT, status=COUNT, location=TEXT)
COMPONENTS["ReloadRehearsal"] = thing(
    COMPONENTS["Rehearsal"],
    changes=CHANGES,
    replayed=COUNT,
    moved_count=COUNT,
    unsure=COUNT,
    moved=rows(
        thing(
            id=TEXT, service=TEXT, client=TEXT, method=TEXT, host=TEXT, target=TEXT, before=_WAY, after=_WAY
        )
    ),
)
COMPONENTS["Reload"] = thing(COMPONENTS["Change"], confirm=maybe(named("WaitingReload")))

CHANGED: Schema = {"anyOf": [named("Change"), named("Rehearsal")]}
"""Of every order about what runs."""
ORDERS = (
    "add_pool", "change_pool", "remove_pool", "add_server", "change_server", "remove_server",
    "add_service", "change_service", "remove_service", "add_rule", "change_rule", "remove_rule",
    "change_layer4", "changes", "undo",
)  # fmt: skip

ANSWERS: dict[str, Schema] = {
    **dict.fromkeys(ORDERS, CHANGED),
    "readyz": thing(ready=YES, reasons=TEXTS),
    "openapi": thing(openapi=TEXT, paths=each(each(ANY_VALUE))),
    "services": rows(named("Service")),
    "service": named("Service"),
    "pools": rows(named("Pool")),
    "pool": named("Pool"),
    "servers": rows(named("Server")),
    "server": named("Server"),
    "rules": rows(named("Rule")),
    "rule": named("Rule"),
    "schedulers": rows(thing(scheduler=TEXT, text=TEXT, used_by=TEXTS, own=maybe(thing(file=TEXT)))),
    "checks": rows(named("Check")),
    "evidence": thing(
        pool=TEXT,
        name=TEXT,
        address=TEXT,
        status=TEXT,
        note=TEXT,
        health=TEXT,
        failing=TEXTS,
        checks=rows(named("CheckHistory")),
        traffic=thing(failures=rows(ANY_VALUE), ejections=rows(ANY_VALUE), spared=COUNT),
    ),
    "check_now": thing(dry_run=YES, asked=COUNT, checks=TEXTS),
    "stats": thing(
        name=TEXT,
        time=TIME,
        generation=COUNT,
        verdict=thing(
            level=TEXT, headline=TEXT, findings=rows(thing(level=TEXT, at=TEXT, text=TEXT, doing=TEXT))
        ),
        process=thing(version=TEXT, started=TIME, uptime=NUMBER, rss=maybe(COUNT), stalls=COUNT),
        services=rows(named("Service")),
        pools=rows(named("PoolSummary")),
        events=rows(named("Event")),
        faults=rows(named("Trace")),
    ),
    "history": thing(
        start=TIME,
        step=COUNT,
        span=COUNT,
        of=TEXTS,
        series=each(thing(**dict.fromkeys(FIGURES, rows(maybe(NUMBER))))),
    ),
    "events": rows(named("Event")),
    "generations": rows(named("Generation")),
    "generation": named("Generation"),
    "connections": rows(named("Connection")),
    "processes": rows(named("Process")),
    "layer4": thing(
        running=YES,
        flows=COUNT,
        traffic=TRAFFIC,
        counters=each(COUNT),
        size=COUNT,
        timeouts=thing(tcp=NUMBER, tcpfin=NUMBER, udp=NUMBER),
        sync=thing(master=maybe(SYNC_DAEMON), backup=maybe(SYNC_DAEMON)),
    ),
    "faults": rows(named("Fault")),
    "start_fault": {"anyOf": [named("Fault"), named("Rehearsal")]},
    "stop_fault": named("Rehearsal"),
    "drills": rows(named("Drill")),
    "run_drill": {"anyOf": [named("Run"), named("Rehearsal")]},
    "stop_drill": named("Rehearsal"),
    "drill": named("Run"),
    "requests": rows(named("Trace")),
    "request": named("Trace"),
    "explain": {"anyOf": [named("Trace"), named("PacketDecision")]},
    "zero": thing(COMPONENTS["Rehearsal"], zeroed=TEXTS),
    "zero_all": thing(COMPONENTS["Rehearsal"], zeroed=TEXTS),
    "make_link": {"anyOf": [thing(link=TEXT, seconds=COUNT), named("Rehearsal")]},
    "rotate_token": {"anyOf": [thing(file=TEXT), named("Rehearsal")]},
    "tokens": rows(named("Token")),
    "add_token": {"anyOf": [named("NewToken"), named("Rehearsal")]},
    "remove_token": named("Rehearsal"),
    "sessions": rows(named("Session")),
    "end_session": named("Rehearsal"),
    "check_config": thing(
        errors=COUNT,
        warnings=COUNT,
        problems=rows(thing(severity=words("error", "warning"), at=TEXT, message=TEXT, hint=TEXT)),
    ),
    "reload": {"anyOf": [named("Reload"), named("ReloadRehearsal")]},
    "upgrade": {"anyOf": [thing(pid=COUNT, version=TEXT), named("Rehearsal")]},
    "unconfirmed": thing(waiting=maybe(named("WaitingReload"))),
    "confirm": {"anyOf": [thing(confirmed=COUNT), named("Rehearsal")]},
}
