"""What clients get while a pool has no server for them, in a sentence: for the page and for the log.

Pure.  Who answers in the place of a pool is what the fault path of its services would find now (design 5):
`active` the first live server of their other rules, `pool` one of that pool, `local` and `page` always.
"""

from __future__ import annotations

from director.model.http import FaultStep, L7Service
from director.registry.snapshot import PoolSnapshot, RegistrySnapshot, ServerSnapshot

BUILT_IN = "the built-in 503 page"


def instead(seen: RegistrySnapshot, pool: PoolSnapshot) -> str:
    """What becomes of new clients of a pool that cannot serve."""
    if pool.waiting:
        return f"{pool.waiting} requests wait for room; others take the fault path."
    answers = []
    for key in pool.used_by:
        service = seen.services.get(key)
        if service is None or not isinstance(service.config, L7Service):
            answers.append(f"New connections to {key} are refused.")
        elif pool.name in first_pools(seen, service.config):
            answers.append(f"Clients of {key} get: {who_answers(seen, service.config)}.")
        else:
            answers.append(f"The fault path of {key} passes it over.")
    return " ".join(answers)


def first_pools(seen: RegistrySnapshot, service: L7Service) -> tuple[str, ...]:
    """The pools that requests of a service are sent to, in the order of its rules; then its own."""
    rules = sorted(seen.configuration.rules, key=lambda rule: rule.number)
    names = [rule.pool for rule in rules if rule.service == service.name and rule.pool]
    return tuple(dict.fromkeys([*names, service.pool] if service.pool else names))


def who_answers(seen: RegistrySnapshot, service: L7Service) -> str:
    """The first step of the fault path that leads to an answer now."""
    if "no_server" not in service.fault_on:
        return BUILT_IN
    found = (_answer(seen, service, step) for step in service.fault)
    return next((text for text in found if text), BUILT_IN)


def _answer(seen: RegistrySnapshot, service: L7Service, step: FaultStep) -> str:
    """Who answers at a step, empty when nobody does."""
    if step.kind == "active":
        pools = [seen.pools[name] for name in first_pools(seen, service) if name in seen.pools]
        found = next((one for pool in pools for one in pool.servers if live(one)), None)
        return f"the answer of server {found.pool}/{found.name}" if found is not None else ""
    if step.kind == "pool":
        pool = seen.pools.get(step.name)
        return f"an answer of pool {step.name}" if pool is not None and pool.eligible else ""
    if step.kind == "local":
        return f"the answer of {step.address}"
    page = next((one for one in seen.configuration.pages if one.name == step.name), None)
    return f"page {page.name} with status {page.status or 503}" if page is not None else ""


def live(server: ServerSnapshot) -> bool:
    """Whether `active` may take a server (`lvs-semantics` A.7: weight and load are not looked at)."""
    return server.available and server.reachable and server.takes_new and not server.overloaded
