"""What is allowed and yet surely not meant: unused pools, hidden rules, keys without effect where they stand.

All of it is a warning: `director check --strict` counts them, a start does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from attrs import evolve

from director.conditions.shadowing import hidden
from director.config import lint_health
from director.config.grouping import Way, listeners, servers, ways
from director.config.parse.addresses import is_loopback
from director.config.parse.fields import Fields
from director.config.parse.schedulers import BUILT_IN
from director.config.references import Kinds, used_pools
from director.config.text.messages import WARNING
from director.model.conditions import terms
from director.model.http import Rule
from director.model.pools import Address, SchedulerSpec, Server
from director.model.tls import ACME
from director.model.virtual import Virtual

Group = Sequence[tuple[str, Server]]
Mistake = tuple[object, ...]
Places = Mapping[tuple[str, int], Fields]
"""Which service of layer 7 listens where."""
_METHODS = frozenset({"get", "head", "post", "put", "delete", "patch", "options", "trace", "connect"})


_OF_THE_REQUEST = ("hash", "rewrite_path", "set_header", "add_header", "del_header")
"""Keys of a rule that are about the request that a server gets."""
_LITERAL = re.compile(r"[0-9.]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*|localhost")
PASSED_ON = "tls-passthrough"
_OF_HTTP = ("timeout.client", "timeout.keepalive", "limit.line", "limit.header", "limit.fields", "limit.body")
"""Keys of a service that bound its requests."""
_HASHING = frozenset({"hash", "hhttp"})
"""The built-in schedulers that look at a rule's `hash`; who else does, only they know."""


def warn(kinds: Kinds, rules: Sequence[Rule]) -> None:
    """Report all warnings."""
    lint_health.warn(kinds)
    _unused(kinds)
    _hidden(kinds, rules)
    for fields in kinds["rule"].values():
        _doubtful_terms(fields, kinds)
        _without_effect(fields, kinds)
    places = listeners(kinds["l7"].values())
    for fields in kinds["l7"].values():
        _never_reached(fields)
        _unread(fields, kinds)
        _never_proved(fields, places)
    for fields in kinds["pool"].values():
        _never_waited(fields)
        _own_listeners(fields, kinds, places)
    _of_layer4(kinds, places)


def _without_effect(rule: Fields, kinds: Kinds) -> None:
    """Keys that change a request which no server gets; a hash that no scheduler looks at."""
    if rule.given("redirect", "respond"):
        for key in rule.given(*_OF_THE_REQUEST):
            text = "the rule answers itself, so no server gets the request"
            rule.problem(key, text, "remove it, or give the rule a pool", severity=WARNING)
        return
    pool = kinds["pool"].get(str(rule.get("pool")))
    written = pool and pool.get("scheduler")
    if not (rule.given("hash") and pool and written):
        return
    if all(one in BUILT_IN and one not in _HASHING for one in _names(written.scheduler)):
        text = f"the scheduler of pool {pool.name} does not look at it"
        hint = f"write scheduler = hash({rule.text('hash')}) else {written.scheduler} into [pool:{pool.name}]"
        rule.problem("hash", text, hint, severity=WARNING)


def _names(scheduler: SchedulerSpec) -> list[str]:
    return [scheduler.name, *(_names(scheduler.otherwise) if scheduler.otherwise else ())]


def _never_reached(service: Fields) -> None:
    """A page always answers, so it is the last step."""
    steps = service.get("fault") or ()
    for (_, step), (at, _) in pairwise(steps):
        if step.kind == "page":
            text = "this step is never reached: a page always answers"
            service.problem("fault", text, "put the page behind it", at, severity=WARNING)
            return


def _unread(service: Fields, kinds: Kinds) -> None:
    """What a connection that is relayed unread cannot be given."""
    tcp = service.get("protocol") != "http"
    of_http = [key for key in service.given(*_OF_HTTP) if tcp]
    if service.get("protocol") == PASSED_ON and "timeout.client" in of_http:
        of_http.remove("timeout.client")  # for the greeting
    for key in of_http:
        text = f"protocol = {service.get('protocol')} reads no requests that this could bound"
        service.problem(key, text, "remove it; timeout.tunnel of the pool ends idle ones", severity=WARNING)
    for at, step in service.get("fault") or ():
        if tcp and step.kind == "page":
            text = "who is no HTTP client gets no page: the connection is closed"
            hint = "remove it, or end with local ADDRESS"
            service.problem("fault", text, hint, at, severity=WARNING)
    pool = kinds["pool"].get(str(service.get("pool")))
    if pool and pool.get("tls") and service.get("protocol") == PASSED_ON:
        text = f"pool {pool.name} meets its servers by TLS, and what is passed on is TLS already"
        service.problem("pool", text, "remove tls = on there", severity=WARNING)
    if pool and pool.given("persist") and (tcp or service.get("switch") == "connection"):
        text = f"pool {pool.name} can set no cookie in connections that are relayed unread"
        service.problem("pool", text, "use switch = request, or a hash scheduler", severity=WARNING)


def _never_proved(service: Fields, places: Places) -> None:
    """An authority looks at ports 80 and 443 of a name, whatever the service has (RFC 8555 8.3, 8737 3)."""
    for at, word in service.get("tls") or ():
        if word.startswith(ACME) and not any(port in {80, 443} for _host, port in places):
            text = "an authority looks for its proof at port 443 or 80, and no service listens there"
            hint = "listen on one of them, or have what stands before the director pass one of them on"
            service.problem("tls", text, hint, at, severity=WARNING)


def _never_waited(pool: Fields) -> None:
    """A queue is for servers at their `max`."""
    queue, own = pool.get("queue"), servers(pool)
    if pool.given("queue") and queue and queue.length and own and not any(one.max for _, one in own):
        text = "nobody ever waits: no server of the pool has a max"
        pool.problem("queue", text, "write max=N behind the servers' addresses", severity=WARNING)


def _own_listeners(pool: Fields, kinds: Kinds, places: Places) -> None:
    """A server that is the director itself, in a way that leads back to this pool: requests go round."""
    for key, server in servers(pool):
        service = _listener_at(server.address, places)
        if service is not None and pool.name in _pools_behind(service, kinds, places):
            text = f"this server is the director's own [{service.section.title}]"
            hint = "write the address of a server; what goes round in circles is answered with 508"
            pool.problem(key, text, hint, severity=WARNING)


def _listener_at(place: Address, places: Places) -> Fields | None:
    """The service that a server's address leads to; None for another program's."""
    if not place.port or not _LITERAL.fullmatch(place.host):
        return None
    wide = ("", "::" if ":" in place.host else "0.0.0.0") if is_loopback(place) else ()
    named = ("127.0.0.1", "::1", "::") if place.host == "localhost" else ()
    own = (places.get((host, place.port)) for host in (place.host, *wide, *named))
    return next((one for one in own if one is not None), None)


def _pools_behind(service: Fields, kinds: Kinds, places: Places) -> set[str]:
    """The pools that a service's requests can come to, also through other services of the director."""
    found: set[str] = set()
    services = [service]
    while services:
        one = services.pop()
        rules = (rule for rule in kinds["rule"].values() if rule.get("service") == one.name)
        named = {str(fields.get("pool")) for fields in (one, *rules)}
        named |= {step.name for _, step in one.get("fault") or () if step.kind == "pool"}
        for name in named - found:
            found.add(name)
            pool = kinds["pool"].get(name)
            next_ones = (
                _listener_at(server.address, places) for _, server in (servers(pool) if pool else ())
            )
            services += [other for other in next_ones if other is not None]
    return found


def _of_layer4(kinds: Kinds, places: Places) -> None:
    """What services of layer 4 are told and cannot do."""
    used = used_pools(kinds, "l4")
    of_pools = ways(pool for name, pool in kinds["pool"].items() if name in used)
    said: set[Mistake] = set()
    for service in kinds["l4"].values():
        if service.given("netmask") and not service.given("persistent"):
            text = "a netmask says which clients stay together, and without persistent none do"
            service.problem("netmask", text, "add persistent = 300s, or remove it", severity=WARNING)
        virtual, pool = service.get("virtual"), kinds["pool"].get(str(service.get("pool")))
        if virtual is None:
            continue
        _had_by_layer7(service, virtual, places)
        if pool is None:
            continue
        look = _ports_unused if _several_ports(virtual, kinds) else _ports_kept
        for way, group in of_pools[pool.name].items():
            if way.port:
                look(service, pool, way, group, said)


def _had_by_layer7(service: Fields, virtual: Virtual, places: Places) -> None:
    """Layer 7's own listeners go first, on one address of one port."""
    other = places.get((virtual.host, virtual.port))
    if virtual.protocol == "tcp" and other is not None:
        address = Address(virtual.host, virtual.port)
        text = f"[{other.section.title}] listens on {address} and goes first: no client comes here"
        service.problem("virtual", text, "give one of them another port", severity=WARNING)


def _ports_kept(service: Fields, pool: Fields, way: Way, group: Group, said: set[Mistake]) -> None:
    """A method that leaves the port as it is, and servers at another one; said once for many services."""
    virtual, method = service.get("virtual"), way.forward or service.get("forward")
    mistake = pool.name, way, method, virtual.port
    if virtual.fwmark or method.method.rewrites or way.port == virtual.port or mistake in said:
        return
    said.add(mistake)
    text = f"{method.value} leaves the port as it is, so the server is asked at {virtual.port}"
    hint = f"write {virtual.port}, or use forward = nat"
    for key, _server in group:
        at = max(pool.text(key).find(f":{way.port}"), 0)
        pool.problem(key, text, hint, at, severity=WARNING)


def _ports_unused(service: Fields, pool: Fields, way: Way, group: Group, said: set[Mistake]) -> None:
    """A service that is asked on several ports, and servers that have one (`lvs-semantics` C.3, E).

    Said once for many services: it is the servers' lines that must be mended.
    """
    persistent = bool(service.given("persistent"))
    mistake = pool.name, way, persistent, 0
    if not (way.forward or service.get("forward")).method.rewrites or mistake in said:
        return
    if not (service.get("virtual").fwmark or persistent):
        return  # refused by `build`
    said.add(mistake)
    for key, server in group:
        bare = str(evolve(server.address, port=0))
        hint = f"write {bare.removesuffix(':0')} without a port (or {bare}): the port asked for stays"
        text = f"every port of [{service.section.title}] arrives at {server.address}"
        if persistent:
            text = f"[{service.section.title}] is persistent on several ports; the server's port is not used"
        pool.problem(key, text, hint, severity=WARNING)


def _several_ports(virtual: Virtual, kinds: Kinds) -> bool:
    """Clients ask it on more than one port."""
    if not virtual.fwmark:
        return virtual.port == 0
    spans: set[tuple[int, int]] = set()
    for settings in kinds["l4-settings"].values():
        for _protocol, network, span in settings.get(f"mark.{virtual.fwmark}") or ():
            if network.version == virtual.family:
                spans.add(span)
    return len(spans) > 1 or any(first != last for first, last in spans)


def _unused(kinds: Kinds) -> None:
    used = used_pools(kinds, "l7") | used_pools(kinds, "l4")
    checks: set[str] = set()
    for name, pool in kinds["pool"].items():
        checks |= set(pool.get("check").names if pool.get("check") else ())
        if name not in used:
            text = "no service or rule uses this pool"
            pool.problem("", text, f"add pool = {name} where it is meant, or remove it", severity=WARNING)
        if not any(key.startswith("server.") for key in pool.section.items):
            pool.problem(
                "", "the pool has no server", "add a line such as server.a = 10.0.0.1:80", severity=WARNING
            )
    for name, check in kinds["check"].items():
        if name not in checks:
            text = "no pool uses this check"
            check.problem("", text, f"add check = {name} to a pool, or remove it", severity=WARNING)


def _hidden(kinds: Kinds, rules: Sequence[Rule]) -> None:
    by_service: dict[str, list[Rule]] = {}
    for rule in sorted(rules, key=lambda rule: rule.number):
        fields = kinds["rule"][rule.name]
        if fields.given("when") and "when" not in fields.values:
            # What it claims is not known, so it hides nothing.
            continue
        by_service.setdefault(rule.service, []).append(rule)
    for group in by_service.values():
        for rule, by in hidden(group):
            fields, other = kinds["rule"][rule.name], kinds["rule"][by.name]
            by_name = f"[{other.section.title}] at {other.section.place}"
            text = f"this rule can never match: {by_name} claims its requests"
            hint = "give it a smaller number, or narrow the other's when"
            fields.problem("when" if fields.given("when") else "", text, hint, severity=WARNING)


def _doubtful_terms(fields: Fields, kinds: Kinds) -> None:
    owner = kinds["l7"].get(str(fields.get("service")))
    for term in terms(fields.get("when")):
        if term.fact == "sni" and owner and not (owner.given("tls") or owner.get("protocol") == PASSED_ON):
            start = max(fields.text("when").find("sni"), 0)
            text = f"nothing has an sni: [{owner.section.title}] has no TLS"
            hint = "add tls = and the name of a [cert:…], or protocol = tls-passthrough"
            fields.problem("when", text, hint, start, severity=WARNING)
        for value in term.values if term.fact == "method" and term.operator in {"=", "in"} else ():
            if value in _METHODS:
                start = max(fields.text("when").find(value), 0)
                text = f"the method {value} is not {value.upper()}"
                fields.problem("when", text, f"write {value.upper()}", start, severity=WARNING)
