"""What sections say about each other: unknown names, numbers and addresses taken twice, layers that clash.

Called by `build` when every section was read by itself.  A name counts as known when its section is
there, even if that section has mistakes of its own: one mistake, one message.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping

from director.config import drill_references, tls_references
from director.config.grouping import version, ways
from director.config.parse.actions import EXPECTED
from director.config.parse.fields import Fields
from director.config.parse.schedulers import SchedulerFacts, check_known
from director.config.parse.values import addresses_of, listed
from director.config.text.messages import WARNING, BadValue
from director.model.conditions import terms
from director.model.pools import Address, SchedulerSpec
from director.model.tls import ACME
from director.model.virtual import Virtual

_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})
Kinds = Mapping[str, Mapping[str, Fields]]
"""Sections by kind and name; `l4` are the services, `l4-settings` the section without a name."""


def check(kinds: Kinds, known: Mapping[str, SchedulerFacts]) -> None:
    """Report every reference that leads nowhere or clashes with another."""
    for pool in kinds["pool"].values():
        for word in pool.get("check").words if pool.get("check") else ():
            _lookup(pool, "check", word, kinds["check"], "check")
        _names(pool, "tls.cert", kinds["cert"], "cert")
        tls_references.pool(pool)
        _server_places(pool)
    for guard in kinds["guard"].values():
        _names(guard, "pool", kinds["pool"], "pool")
    ruled = {rule.get("service") for rule in kinds["rule"].values()}
    for service in kinds["l7"].values():
        _l7(service, kinds, ruled=service.name in ruled)
    _rules(kinds)
    for virtual in kinds["l4"].values():
        _names(virtual, "pool", kinds["pool"], "pool")
    _protocols(kinds)
    _layers(kinds)
    _families(kinds)
    _schedulers(kinds, known)
    _blind_schedulers(kinds)
    _listeners(kinds)
    _virtuals(kinds)
    names = {word: _known_names(word, kinds) for word in EXPECTED}
    for test in kinds["test"].values():
        _expectations(test, kinds, names)
    drill_references.check(kinds, names["server"] or set())


def _lookup(
    fields: Fields, key: str, word: tuple[int, str], sections: Mapping[str, Fields], kind: str
) -> None:
    """Report `word` (offset, name) when no section of the kind has that name."""
    at, name = word
    if name not in sections:
        hint = fields.findings.nearest(name, sections) or f"add a section [{kind}:{name}]"
        fields.problem(key, f"there is no {kind} {name}", hint, at)


def _names(fields: Fields, key: str, sections: Mapping[str, Fields], kind: str) -> None:
    """Check a key that holds one name or a list of them."""
    if key in fields.values and fields.given(key):
        for at, word in listed(fields.text(key)):
            _lookup(fields, key, (at, word), sections, kind)


def _l7(service: Fields, kinds: Kinds, *, ruled: bool) -> None:
    _names(service, "pool", kinds["pool"], "pool")
    for at, step in service.get("fault") or ():
        if step.kind in {"pool", "page"}:
            _lookup(service, "fault", (at, step.name), kinds[step.kind], step.kind)
    for at, word in service.get("tls") or ():
        if not word.startswith(ACME):
            _lookup(service, "tls", (at, word), kinds["cert"], "cert")
        elif not any(one.given("state_dir") for one in kinds["director"].values()):
            text = "nothing keeps the certificates that the director gets"
            service.problem("tls", text, "add state_dir = and a folder to [director]", at)
    tls_references.listener(service)
    if service.given("pool"):
        return
    if service.get("protocol") != "http":
        text = f"protocol = {service.get('protocol')} needs a pool"
        service.problem("", text, "add a line such as pool = web")
    elif not ruled:
        text = "neither a pool nor a rule: every request gets the fault answer"
        service.problem("", text, "add a line such as pool = web", severity=WARNING)


def _rules(kinds: Kinds) -> None:
    numbers: dict[tuple[str, int], Fields] = {}
    for rule in kinds["rule"].values():
        _names(rule, "service", kinds["l7"], "l7")
        _names(rule, "pool", kinds["pool"], "pool")
        number = rule.name.split(" ")[0]
        service = rule.get("service")
        if not re.fullmatch(r"[0-9]{1,9}", number) or not isinstance(service, str):
            continue
        first = numbers.setdefault((service, int(number)), rule)
        if first is not rule:
            text = f"service {service} already has a rule {int(number)} at {first.section.place}"
            rule.problem("", text, "give one of the two another number")
        owner = kinds["l7"].get(service)
        if owner is not None and owner.get("protocol") != "http":
            _relayed(rule, owner.get("protocol"))


def _relayed(rule: Fields, protocol: str) -> None:
    """A connection that is not read has an address and a server name, no more."""
    for key in rule.given(
        "redirect", "respond", "hash", "set_header", "add_header", "del_header", "rewrite_path"
    ):
        rule.problem(
            key, f"a service with protocol = {protocol} reads no request", "remove it, or use protocol = http"
        )
    for term in terms(rule.get("when")):
        if term.fact not in {"client", "sni"}:
            at = max(rule.text("when").find(term.fact), 0)
            text = f"a service with protocol = {protocol} has no {term.fact}"
            rule.problem("when", text, "known there: client and sni", at)


# --- servers -----------------------------------------------------------------------------


def _server_places(pool: Fields) -> None:
    """Two servers of a pool at one address are one server with two weights: surely a slip."""
    seen: dict[Address, str] = {}
    for key in pool.values:
        if not key.startswith("server."):
            continue
        address = pool.get(key).address
        first = seen.setdefault(address, key)
        if first != key:
            text = f"{first} has the same address at {pool.place(first)}"
            pool.problem(key, text, "correct the address or remove one of the two", severity=WARNING)


def _protocols(kinds: Kinds) -> None:
    """Octets that are relayed unread cannot be put into frames."""
    unread = {
        name: service
        for name, service in kinds["l7"].items()
        if service.get("protocol") != "http" or service.get("switch") == "connection"
    }
    for fields in (*kinds["l7"].values(), *kinds["rule"].values()):
        owner = unread.get(str(fields.get("service")) if fields.kind.kind == "rule" else fields.name)
        pool = kinds["pool"].get(str(fields.get("pool")))
        if owner is not None and pool is not None and pool.get("protocol") == "h2":
            text = (
                f"[{owner.section.title}] relays connections unread, and pool {pool.name} has protocol = h2"
            )
            fields.problem("pool", text, "take a pool with protocol = http/1.1: it passes any octets on")


def used_pools(kinds: Kinds, layer: str) -> set[str]:
    """Names of pools that services and rules of a layer (`l7` or `l4`) use."""
    used = {str(fields.get("pool")) for fields in kinds[layer].values() if fields.given("pool")}
    if layer == "l7":
        used |= {str(fields.get("pool")) for fields in kinds["rule"].values() if fields.given("pool")}
        for service in kinds["l7"].values():
            used |= {step.name for _, step in service.get("fault") or () if step.kind == "pool"}
    return used


def _layers(kinds: Kinds) -> None:
    """Layer 7 needs ports, layer 4 needs IP addresses."""
    of_l7, of_l4 = used_pools(kinds, "l7"), used_pools(kinds, "l4")
    for name, pool in kinds["pool"].items():
        for key in pool.values:
            if not key.startswith("server."):
                continue
            address = pool.get(key).address
            if name in of_l7 and address.host and not address.port:
                pool.problem(
                    key, "the port is missing", f"write {address.host}:80, with the port that is meant"
                )
            if name not in of_l4:
                continue
            if address.host and not address.port and name not in of_l7 and _checked_there(pool, kinds):
                text = "a server without a port cannot be checked"
                pool.problem(key, text, f"write {address.host}:80, with the port that is meant, or no check")
            if not version(address.host):
                pool.problem(key, "layer 4 needs an IP address here", "write the address itself, not a name")
            elif _nobody(address.host):
                text = f"{address.host} is no single host's address"
                pool.problem(key, text, "write the address by which a router would find the server")


def _checked_there(pool: Fields, kinds: Kinds) -> bool:
    """Some check of the pool goes to the server's own port."""
    checks = (kinds["check"].get(name) for name in (pool.get("check").names if pool.get("check") else ()))
    return any(check is not None and not check.given("port") for check in checks)


def _nobody(host: str) -> bool:
    """Not unicast, or of one link only: no server of layer 4 (`lvs-semantics` B.3)."""
    found = ipaddress.ip_address(host)
    broadcast = found == ipaddress.IPv4Address("255.255.255.255")
    only_here = found.version == 6 and found.is_link_local
    return found.is_multicast or found.is_unspecified or broadcast or only_here


def _families(kinds: Kinds) -> None:
    """A server of the other IP version is reached by tun alone (`lvs-semantics` B.3)."""
    used = used_pools(kinds, "l4")
    of_pools = ways(pool for name, pool in kinds["pool"].items() if name in used)
    for service in kinds["l4"].values():
        virtual, pool = service.get("virtual"), kinds["pool"].get(service.get("pool") or "")
        if virtual is None or pool is None:
            continue
        strange = [
            (group[0][0], way.version)
            for way, group in of_pools[pool.name].items()
            if way.version not in {0, virtual.family}
            and not (way.forward or service.get("forward")).method.crosses_families
        ]
        if strange:
            key, number = min(strange, key=lambda one: pool.section.items[one[0]].line)
            name = f"server {key.removeprefix('server.')} of [{pool.section.title}]"
            service.problem(
                "pool",
                f"{name} has an IPv{number} address, the service IPv{virtual.family}",
                "only forward = tun can do that: take a pool with servers of one IP version",
            )


def _schedulers(kinds: Kinds, known: Mapping[str, SchedulerFacts]) -> None:
    for name, fields in kinds["scheduler"].items():
        if name in known:
            fields.problem("", f"{name} is a scheduler of the director", "give yours another name")
    everything = {**dict.fromkeys(kinds["scheduler"], SchedulerFacts()), **known}
    for fields in (*kinds["pool"].values(), *kinds["l4"].values()):
        if "scheduler" in fields.values:
            try:
                check_known(fields.get("scheduler"), everything, fields.text("scheduler"))
            except BadValue as bad:
                fields.bad("scheduler", bad)


_OF_PACKETS = frozenset({"client", "virtual"})
"""What `hash()` can read where no request is read."""


def _blind(scheduler: SchedulerSpec) -> bool:
    """It looks only at what a request says, and so finds nobody for a packet."""
    return scheduler.name == "hhttp" or (scheduler.name == "hash" and scheduler.argument not in _OF_PACKETS)


def _chain(scheduler: SchedulerSpec) -> Iterator[SchedulerSpec]:
    """A scheduler and what stands behind its `else`."""
    yield scheduler
    if scheduler.otherwise is not None:
        yield from _chain(scheduler.otherwise)


def _blind_schedulers(kinds: Kinds) -> None:
    """A service that reads no request cannot be scheduled by one."""
    unread = [fields for fields in kinds["l7"].values() if fields.get("protocol") != "http"]
    for service in (*kinds["l4"].values(), *unread):
        pool = kinds["pool"].get(str(service.get("pool")))
        fields = service if "scheduler" in service.values else pool
        written = fields.get("scheduler") if fields is not None else None
        if fields is None or written is None:
            continue
        chain = list(_chain(written.scheduler))
        blind = [one for one in chain if _blind(one)]
        if not blind or (len(blind) < len(chain) and fields is not service):
            continue
        text = f"{blind[0]} looks at requests, and [{service.section.title}] reads none"
        if len(blind) == len(chain):
            fields.problem("scheduler", f"{text}: it would refuse everybody", "write hash(client), mh or wlc")
        else:
            fields.problem("scheduler", text, f"write scheduler = {chain[-1]}", severity=WARNING)


# --- addresses ---------------------------------------------------------------------------


def _listeners(kinds: Kinds) -> None:
    """An address can be listened on once, and a port of all addresses by nobody else."""
    places = _Places()
    for kind in ("admin", "l7", "demo"):
        for fields in kinds[kind].values():
            listen = fields.get("listen")
            for address in addresses_of(listen):
                if not address.port and not address.path and not address.endpoint:
                    continue
                first = places.take(address, fields)
                if first is not None:
                    other = f"[{first.section.title}] at {first.place('listen')}"
                    at = max(fields.text("listen").find(str(address)), 0) if fields.given("listen") else 0
                    fields.problem(
                        "listen", f"{address} is already taken by {other}", "choose another port", at
                    )


class _Places:
    """Who listens where: on one address; and by (IPv6, port), on some addresses and on all of them."""

    def __init__(self) -> None:
        self._exact: dict[Address, Fields] = {}
        self._some: dict[tuple[bool, int], Fields] = {}
        self._all: dict[tuple[bool, int], Fields] = {}

    def take(self, address: Address, fields: Fields) -> Fields | None:
        """Who has this address already; if nobody else, `fields` has it from now on."""
        first = self._exact.setdefault(address, fields)
        if first is not fields:
            return first
        wide = address.host in _EVERYWHERE
        if not address.port or not (wide or version(address.host)):
            return None
        port = (":" in address.host, address.port)
        other = (self._some if wide else self._all).get(port)
        self._some.setdefault(port, fields)
        if wide:
            self._all.setdefault(port, fields)
        return other


def _virtuals(kinds: Kinds) -> None:
    """A virtual service exists once (EEXIST)."""
    seen: dict[Virtual, Fields] = {}
    for fields in kinds["l4"].values():
        virtual: Virtual | None = fields.get("virtual")
        first = seen.setdefault(virtual, fields) if virtual is not None else fields
        if first is not fields:
            other = f"[{first.section.title}] at {first.place('virtual')}"
            fields.problem("virtual", f"the service already exists as {other}", "change one of the two")


# --- tests -------------------------------------------------------------------------------


def _expectations(test: Fields, kinds: Kinds, names: Mapping[str, set[str] | None]) -> None:
    for at, server in test.get("down") or ():
        if server not in (names["server"] or ()):
            servers = {name for name in names["server"] or () if "/" in name}
            hint = test.findings.nearest(server, servers) or "write POOL/SERVER"
            test.problem("down", f"there is no server {server}", hint, at)
    for at, word, value in test.get("expect") or ():
        kind, _, name = value.partition(" ")
        if word == "fault" and kind in {"page", "pool"} and name:
            _lookup(test, "expect", (at, name), kinds[kind], kind)
        known = names[word]
        if known is not None and value not in known:
            hint = test.findings.nearest(value, known) or "correct the name"
            test.problem("expect", f"there is no {word} {value}", hint, at)


def _known_names(word: str, kinds: Kinds) -> set[str] | None:
    """What `expect` can call a rule, pool, server or service; None for words that name none of these."""
    if word == "rule":
        names = {"none"}
        for name in kinds["rule"]:
            number, _, title = name.partition(" ")
            names |= {name, number, title}
        return names
    if word == "server":
        names = set()
        for pool, fields in kinds["pool"].items():
            servers = {
                key.removeprefix("server.")
                for key in fields.given(*fields.section.items)
                if key[:7] == "server."
            }
            names |= servers | {f"{pool}/{server}" for server in servers}
        return names
    if word in {"pool", "service"}:
        return {"none", *kinds["pool" if word == "pool" else "l7"]}
    return None
