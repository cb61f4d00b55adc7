"""What faults and drills say about other sections: servers, pools, services, pages, each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from director.config.parse.drill_builders import EXPECT, STEP
from director.config.parse.drills import OF_FAULTS, OF_SERVERS
from director.config.parse.faults import LAYER_4, LAYER_7
from director.config.parse.fields import Fields
from director.config.text.messages import WARNING
from director.model.conditions import terms
from director.model.pools import Address

Kinds = Mapping[str, Mapping[str, Fields]]


def check(kinds: Kinds, servers: set[str]) -> None:
    """Report every reference that leads nowhere; `servers` are all POOL/SERVER, and more."""
    known = {name for name in servers if "/" in name}
    for fault in kinds["fault"].values():
        _servers(fault, kinds, known)
        _layers(fault, kinds)
        _can_happen(fault, kinds)
    for drill in kinds["drill"].values():
        _service(drill, kinds)
        for key in drill.values:
            if key.startswith(STEP):
                _step(drill, key, kinds, known)
            elif key.startswith(EXPECT):
                _terms(drill, key, kinds, known)
    _allowed(kinds)


def _allowed(kinds: Kinds) -> None:
    """A file with drills in which they are refused: surely not meant, but no reason not to start."""
    director = next(iter(kinds["director"].values()), None)
    if director is not None and director.get("drills") == "allowed":
        return
    for fields in (*kinds["fault"].values(), *kinds["drill"].values()):
        text = "it cannot be started here"
        fields.problem("", text, "write drills = allowed into [director]", severity=WARNING)
        return


def _missing(fields: Fields, key: str, at: int, what: str, name: str, known: set[str]) -> None:
    if name not in known:
        hint = fields.findings.nearest(name, known) or f"correct the name of the {what}"
        fields.problem(key, f"there is no {what} {name}", hint, at)


def _servers(fault: Fields, kinds: Kinds, known: set[str]) -> None:
    for at, (pool, server) in fault.get("server") or ():
        if server:
            _missing(fault, "server", at, "server", f"{pool}/{server}", known)
        else:
            _missing(fault, "server", at, "pool", pool, set(kinds["pool"]))


def _layers(fault: Fields, kinds: Kinds) -> None:
    """A fault of packets hits no request, and the other way round; a delay may be both."""
    action = fault.get("do")
    if action is None:
        return
    kind = action.kind
    pools = {pool for _, (pool, _) in fault.get("server") or ()}
    of_l4 = {str(service.get("pool")) for service in kinds["l4"].values()}
    if kind not in LAYER_7:
        if not pools & of_l4:
            text = f"{kind} happens to packets, and no service of layer 4 uses these servers"
            fault.problem("do", text, "write refuse, hang, reset, … for requests", severity=WARNING)
        _known_of_packets(fault)
    elif pools & of_l4 and not pools & _of_layer_7(kinds):
        # What a server took before is known of answers alone.
        if kind in LAYER_4 and not action.times:
            _known_of_packets(fault)
            return
        text = f"{kind} happens to requests, and no service of layer 7 uses these servers"
        fault.problem("do", text, "name servers that a service of layer 7 uses", severity=WARNING)


def _of_layer_7(kinds: Kinds) -> set[str]:
    """The pools that requests may reach."""
    used = {str(service.get("pool")) for service in kinds["l7"].values()}
    used |= {str(rule.get("pool")) for rule in kinds["rule"].values()}
    for service in kinds["l7"].values():
        used |= {step.name for _, step in service.get("fault") or () if step.kind == "pool"}
    return used


def _known_of_packets(fault: Fields) -> None:
    for term in terms(fault.get("when")):
        if term.fact != "client":
            at = max(fault.text("when").find(term.fact), 0)
            fault.problem("when", f"packets have no {term.fact}", "known there: client", at)


def _can_happen(fault: Fields, kinds: Kinds) -> None:
    """What is wrong with a certificate, or with a name, needs one."""
    action = fault.get("do")
    kind = action.kind if action is not None else ""
    places = [place for _, place in fault.get("server") or ()]
    pools = [kinds["pool"][pool] for pool, _ in places if pool in kinds["pool"]]
    if kind == "tls" and pools and not any(one.get("tls") for one in pools):
        text = "its servers are met without TLS, so no certificate is looked at"
        fault.problem("do", text, "write tls = on into the pool, or name other servers", severity=WARNING)
    if kind == "lie":
        _lies(fault, pools)
    if kind == "dns" and pools and not any(one.is_named for one in _addresses(places, kinds)):
        text = "its servers have addresses, so no name is looked up"
        fault.problem("do", text, "name servers with a name, as in server.a = a.example:80", severity=WARNING)


def _lies(fault: Fields, pools: Sequence[Fields]) -> None:
    """It is told to checks, which are no requests."""
    if pools and not any(one.get("check") for one in pools):
        text = "its servers have no check, so nobody is lied to"
        fault.problem("do", text, "write check = and the name of a [check:…] into the pool", severity=WARNING)
    for key in fault.given("when", "hit"):
        fault.problem(key, "checks are no requests: each meets it", "remove it", severity=WARNING)


def _addresses(places: Sequence[tuple[str, str]], kinds: Kinds) -> Iterator[Address]:
    for pool, server in places:
        fields = kinds["pool"].get(pool)
        for key in fields.values if fields is not None else ():
            made = fields.get(key) if fields is not None and key.startswith("server.") else None
            if made is not None and server in {"", key.removeprefix("server.")}:
                yield made.address


def _service(drill: Fields, kinds: Kinds) -> None:
    name = drill.get("service")
    if name is None:
        return
    _missing(drill, "service", 0, "l7", name, set(kinds["l7"]))
    service = kinds["l7"].get(name)
    if service is not None and service.get("protocol") != "http":
        drill.problem("service", f"{name} reads no request", "name a service with protocol = http")


def _step(drill: Fields, key: str, kinds: Kinds, servers: set[str]) -> None:
    for at, verb, name in drill.get(key) or ():
        if verb in OF_FAULTS:
            _missing(drill, key, at, "fault", name, set(kinds["fault"]))
        elif verb in OF_SERVERS:
            _missing(drill, key, at, "server", name, servers)


def _terms(drill: Fields, key: str, kinds: Kinds, servers: set[str]) -> None:
    for at, term in drill.get(key) or ():
        for name in term.names:
            kind, _, rest = name.partition(" ")
            if kind in {"page", "pool"} and rest:
                _missing(drill, key, at, kind, rest, set(kinds[kind]))
            elif "/" in name and not rest:
                _missing(drill, key, at, "server", name, servers)
