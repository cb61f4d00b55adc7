"""The things that answers are about, each as a JSON schema under its name; `schemas` says which has which.

A schema names every key that this version gives: those that it requires are always there, and there are no
others.  More keys may come with later versions, so clients bear with those that they do not know.
"""

from __future__ import annotations

from director.admin.accounts import ROLES
from director.admin.shapes import (
    COUNT,
    LEVEL,
    NUMBER,
    TEXT,
    TIME,
    WHOLE,
    YES,
    Schema,
    each,
    maybe,
    named,
    perhaps,
    rows,
    thing,
    words,
)
from director.model.pools import Forward
from director.model.virtual import PROTOCOLS
from director.registry.counters import Traffic

TEXTS = rows(TEXT)
SINCE = thing(**{"since": TIME, "for": NUMBER})
MAYBE_SINCE = thing(**{"since": maybe(TIME), "for": maybe(NUMBER)})
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

_PROBE = thing(
    time=NUMBER,
    result=words("passed", "failed", "unknown"),
    reason=TEXT,
    seconds=maybe(NUMBER),
    phases=each(NUMBER),
    octets=maybe(COUNT),
    seen=maybe(TEXT),
)
FAILURE = thing(time=NUMBER, cause=TEXT)
_FLAPS = thing(rise=COUNT, fall=COUNT, flaps=COUNT, since=NUMBER)

_SERVICE = thing(
    FIGURES_OF_7,
    key=TEXT,
    name=TEXT,
    pool=maybe(TEXT),
    listeners=rows(thing(address=TEXT, bound=YES, error=TEXT)),
    rate=maybe(NUMBER),
    traffic=TRAFFIC,
    listen=TEXTS,
    rules=COUNT,
    fault=TEXTS,
)
_CHILDREN = thing(startservers=COUNT, minspareservers=COUNT, maxspareservers=COUNT)

_POOL = thing(
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
    needed=COUNT,
    panic=TEXT,
    used_by=TEXTS,
)

COMPONENTS: dict[str, Schema] = {
    "ServiceOfLayer7": thing(
        _SERVICE,
        layer=words("l7"),
        protocol=words("http", "tcp", "tls-passthrough"),
        switch=words("request", "connection"),
        start=YES,
        max_connections=COUNT,
        ktcpvs=maybe(_CHILDREN),
    ),
    "ServiceOfLayer4": thing(
        _SERVICE,
        layer=words("l4"),
        protocol=words("", *PROTOCOLS),
        virtual=TEXT,
        forward=words(*(one.value for one in Forward)),
        scheduler=maybe(TEXT),
        persistent=maybe(NUMBER),
        netmask=maybe(COUNT),
        ops=YES,
        pe=maybe(TEXT),
    ),
    "Service": {"anyOf": [named("ServiceOfLayer7"), named("ServiceOfLayer4")]},
    "Error": perhaps(
        thing(error=TEXT, at=TEXT),
        problems=TEXTS,
        since=rows(named("Generation")),
    ),
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
        next_in=maybe(NUMBER),
        advice=TEXT,
        flaps=_FLAPS,
        what_if=rows(thing(_FLAPS, more=WHOLE, text=TEXT)),
        results=rows(_PROBE),
        transitions=rows(
            thing(
                **{"from": TEXT},
                to=TEXT,
                time=NUMBER,
                reason=TEXT,
                count=COUNT,
                needed=COUNT,
                lasted=maybe(NUMBER),
                probes=rows(_PROBE),
                traffic=rows(FAILURE),
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
        advice=TEXT,
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
    "Rule": thing(
        FIGURES_OF_7,
        name=TEXT,
        number=COUNT,
        title=TEXT,
        service=TEXT,
        when=TEXT,
        action=TEXT,
        pool=maybe(TEXT),
        hash=maybe(TEXT),
        rate=maybe(NUMBER),
    ),
    "Event": thing(id=COUNT, time=TIME, level=LEVEL, text=TEXT),
    "Generation": thing(
        **{"from": TEXT}, number=COUNT, author=TEXT, time=TIME, diff=TEXTS, changes=CHANGES, undoable=YES
    ),
    "Trace": perhaps(
        thing(
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
        active=maybe(WHOLE),
        inactive=maybe(WHOLE),
        injected=rows(TEXTS),
        # Of a request that nobody sent.
        path=TEXT,
        scores=each(TEXT),
        location=TEXT,
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
        checks_hit=COUNT,
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
    "Rehearsal": perhaps(thing(dry_run=YES, diff=TEXTS), changes=CHANGES),
    "Change": thing(generation=COUNT, diff=TEXTS, changes=CHANGES, kept=YES),
    "Token": thing(
        id=TEXT, user=TEXT, role=words(*ROLES), note=TEXT, by=TEXT, made=TIME, expires=maybe(TIME)
    ),
    "Session": thing(
        **{"from": TEXT}, id=TEXT, user=TEXT, role=words(*ROLES), opened=TIME, used=TIME, current=YES
    ),
    "WaitingReload": thing(generation=COUNT, author=TEXT, seconds=NUMBER, guard=TEXT),
}
COMPONENTS["Pool"] = thing(_POOL, servers=rows(named("Server")))
COMPONENTS["PoolGlance"] = thing(_POOL, servers=rows(named("Server")), more=COUNT)
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
