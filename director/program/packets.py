"""What would become of a packet that nobody sent (composition): the layer-4 half of explaining.

The look-up of the service and the choice are those of real packets, over the same registry; nothing is
claimed and no scheduler moves on.  Flows and templates that are there already are asked for by who shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

from director.admin.control import PacketQuestion
from director.errors import DirectorError
from director.interfaces import IKey
from director.l4.key import PacketKey
from director.l4.services import Services, VirtualService, packed
from director.model.virtual import PROTOCOLS
from director.registry.live import RealServer, supposed_down
from director.registry.registry import Registry
from director.scheduling.preview import preview


def explain_packet(registry: Registry, question: PacketQuestion, now: float) -> Mapping[str, Any]:
    """Service, pool and choice.  Raises DirectorError when no service would take the packet."""
    service = _service(registry, question)
    pool = registry.pools[service.config.pool]
    with supposed_down([_server(registry, name) for name in question.down]):
        candidates = pool.eligible()
        told: dict[str, Any] = {
            "service": service.key,
            "pool": pool.name,
            "persistent": service.persistent,
            "prefix": service.prefix,
            "candidates": len(candidates),
            "scheduler": None,
            "server": "",
            "forward": "",
            "load": None,
            "weight": None,
            "why_none": "" if candidates else pool.why_none(),
        }
        if not candidates:
            return told
        scheduler = registry.scheduler(pool, service.key)
        told["scheduler"] = scheduler.name
        chosen: Any = preview(scheduler, cast("Sequence[Any]", candidates), _key(question), now)
        if chosen is None:
            return {**told, "why_none": f"{scheduler.name} found none"}
        method = service.method(chosen.config)
        return {
            **told,
            "server": chosen.name,
            "forward": method.name,
            "load": chosen.active + chosen.inactive,
            "weight": chosen.weight,
        }


def _service(registry: Registry, question: PacketQuestion) -> VirtualService:
    address = packed(question.virtual.host)
    if address is None:
        raise DirectorError("virtual is an address with a port, such as 192.0.2.53:53")
    protocol = PROTOCOLS[question.protocol]
    found = Services(registry).lookup(question.mark, protocol, address, question.virtual.port)
    if found is None:
        raise DirectorError(f"no service takes {question.protocol} packets for {question.virtual}")
    return found


def _key(question: PacketQuestion) -> IKey:
    source, destination = packed(question.client.host), packed(question.virtual.host)
    packet: Any = SimpleNamespace(
        source=source, destination=destination, sport=question.client.port, dport=question.virtual.port
    )
    return PacketKey(packet)


def _server(registry: Registry, text: str) -> RealServer:
    pool, _, name = text.partition("/")
    found = registry.pools[pool].server(name) if pool in registry.pools else None
    if found is None:
        raise DirectorError(f"there is no server {text}; name it as POOL/SERVER")
    return found
