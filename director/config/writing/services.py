"""Services of both layers, and `[l4]`, as the keys of their sections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from director.config.writing.numbers import duration
from director.model.http import Children, FaultStep, L7Service
from director.model.pools import Address, Network
from director.model.tls import ListenerTLS
from director.model.virtual import EVERY_PORT, PROTOCOLS, L4Service, L4Settings, Mark

_PROTOCOLS = {number: name for name, number in PROTOCOLS.items()}

_SECONDS = frozenset({"timeout_tcp", "timeout_tcpfin", "timeout_udp", "sync_refresh_period"})
"""Fields of `[l4]` that are times."""
_DOTTED = {
    "timeout_tcp": "timeout.tcp", "timeout_tcpfin": "timeout.tcpfin", "timeout_udp": "timeout.udp",
    "sync_master": "sync.master", "sync_backup": "sync.backup",
}  # fmt: skip
"""Those whose keys are not called as they are."""
_BETWEEN = {"sync_threshold": " "}


def l7(service: L7Service) -> Iterator[tuple[str, str]]:
    """Every key of `[l7:NAME]` and its text; "" for what has no line."""
    yield "listen", _listen(service.listen, service.tls)
    yield "protocol", service.protocol
    yield "pool", service.pool
    yield "switch", service.switch
    yield "fault", ", ".join(map(fault_step, service.fault))
    yield "fault_on", ", ".join(service.fault_on)
    yield "timeout.client", duration(service.timeouts.client)
    yield "timeout.keepalive", duration(service.timeouts.keepalive)
    yield "forwarded", service.forwarded
    yield "trust", _networks(service.trust)
    yield "proxy_protocol", f"from {_networks(service.proxy_protocol)}" if service.proxy_protocol else ""
    yield "start", _switch(service.start)
    yield "ktcpvs", _children(service.ktcpvs)
    yield from _tls(service.tls)
    yield "h2", "on" if service.h2 else "off"
    yield "h2c", "prior" if service.h2c else "off"
    yield "max_connections", str(service.max_connections)
    for name in ("line", "header", "fields", "body"):
        yield f"limit.{name}", str(getattr(service.limits, name))


def fault_step(step: FaultStep) -> str:
    """A step as it is written."""
    return " ".join(part for part in (step.kind, step.name, str(step.address or "")) if part)


def l4(service: L4Service) -> Iterator[tuple[str, str]]:
    """Every key of `[l4:NAME]` and its text; "" for what has no line."""
    yield "virtual", str(service.virtual)
    yield "pool", service.pool
    yield "forward", service.forward.value
    yield "scheduler", str(service.scheduler or "")
    yield "persistent", "" if service.persistent is None else duration(service.persistent)
    yield "netmask", "" if service.netmask is None else str(service.netmask)
    yield "ops", _switch(service.ops)
    yield "pe", service.engine


def l4_settings(settings: L4Settings) -> Iterator[tuple[str, str]]:
    """Every key of `[l4]` and its text."""
    for one in attrs.fields(L4Settings):
        value, key = getattr(settings, one.name), _DOTTED.get(one.name, one.name)
        if one.name == "marks":
            yield from _marks(value)
        elif one.name in _SECONDS:
            yield key, duration(value)
        elif isinstance(value, tuple):
            yield key, _BETWEEN.get(one.name, ", ").join(map(str, value))
        else:
            yield key, "" if value is None else str(value)


def _marks(marks: Sequence[Mark]) -> Iterator[tuple[str, str]]:
    rules: dict[int, list[str]] = {}
    for one in marks:
        rules.setdefault(one.mark, []).append(f"{_PROTOCOLS.get(one.protocol, 'ip')} {_marked(one)}")
    for number, texts in rules.items():
        yield f"mark.{number}", ", ".join(texts)


def _marked(one: Mark) -> str:
    host, prefix = str(one.network.network_address), f"/{one.network.prefixlen}"
    low, high = one.ports
    ports = "" if one.ports == EVERY_PORT else f":{low}" if low == high else f":{low}-{high}"
    return f"[{host}]{prefix}{ports}" if ":" in host and ports else f"{host}{prefix}{ports}"


def _listen(addresses: tuple[Address, ...], tls: ListenerTLS | None) -> str:
    """With the word `tls` where some of them speak it and others do not."""
    secure = () if tls is None or {*tls.addresses} == {*addresses} else tls.addresses
    return ", ".join(f"{one} tls" if one in secure else str(one) for one in addresses)


def _tls(found: ListenerTLS | None) -> Iterator[tuple[str, str]]:
    if found is None:
        return
    yield "tls", ", ".join(found.certificates)
    yield "tls.profile", "" if found.profile == "intermediate" else found.profile
    yield "tls.client", "" if found.client == "off" else found.client
    yield "tls.client_ca", found.client_ca
    yield "tls.crl", found.crl
    yield "client_cert", "rfc9440" if found.tell else ""
    yield "hsts", duration(found.hsts) if found.hsts else ""


def _children(found: Children | None) -> str:
    if found is None:
        return ""
    return f"startservers {found.start}, minspareservers {found.min_spare}, maxspareservers {found.max_spare}"


def _networks(found: Sequence[Network]) -> str:
    return ", ".join(map(str, found))


def _switch(value: bool) -> str:
    return "yes" if value else "no"
