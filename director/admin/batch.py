"""Several changes as one: `POST /api/v1/changes`.

Pure.  Each step is what the route of its kind would do; all of them together are one change of the
configuration, made whole or not at all, and one generation to undo.  What LVS's commands do is several things
of the registry at once: a service and its pool, a rule and the servers that it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from director.admin import objects
from director.admin.edits import BadOrder, server_changed, state_of
from director.errors import ChangeRefused
from director.model.settings import Configuration
from director.registry.changes import Ordered
from director.registry.snapshot import RegistrySnapshot

MOST = 10_000
"""Steps of one order."""
FIELDS = frozenset({"verb", "kind", "name", "keys"})

Step = Callable[[Configuration, str, Mapping[str, Any]], Configuration]


def _server(name: str) -> tuple[str, str]:
    pool, slash, server = name.partition("/")
    if not (pool and slash and server):
        raise BadOrder(f"a server is named POOL/SERVER, not {name[:40]!r}", "name")
    return pool, server


def _add_server(wanted: Configuration, name: str, keys: Mapping[str, Any]) -> Configuration:
    pool, server = _server(name)
    return objects.server_added(wanted, pool, {**keys, "name": server})[0]


def _add_rule(wanted: Configuration, name: str, keys: Mapping[str, Any]) -> Configuration:
    return objects.rule_added(wanted, {**keys, "number": name})[0]


STEPS: Mapping[tuple[str, str], Step] = {
    ("add", "pool"): lambda wanted, name, keys: objects.pool_added(wanted, {**keys, "name": name})[0],
    ("change", "pool"): objects.pool_changed,
    ("remove", "pool"): lambda wanted, name, _: objects.pool_removed(wanted, name),
    ("add", "server"): _add_server,
    ("change", "server"): lambda wanted, name, keys: server_changed(
        wanted, *_server(name), {key: value for key, value in keys.items() if key != "state"}
    ),
    ("remove", "server"): lambda wanted, name, _: objects.server_removed(wanted, *_server(name)),
    ("add", "service"): lambda wanted, name, keys: objects.service_added(wanted, {**keys, "name": name})[0],
    ("change", "service"): objects.service_changed,
    ("remove", "service"): lambda wanted, name, _: objects.service_removed(wanted, name),
    ("add", "rule"): _add_rule,
    ("change", "rule"): objects.rule_changed,
    ("remove", "rule"): lambda wanted, name, _: objects.rule_removed(wanted, name),
}
VERBS = ("add", "change", "remove")
KINDS = ("pool", "server", "service", "rule")
BODY: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["changes"],
    "properties": {
        "changes": {
            "type": "array",
            "maxItems": MOST,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["verb", "kind", "name"],
                "properties": {
                    "verb": {"type": "string", "enum": [*VERBS]},
                    "kind": {"type": "string", "enum": [*KINDS]},
                    "name": {
                        "type": "string",
                        "description": "POOL, POOL/SERVER, l7:NAME, NUMBER",
                    },
                    "keys": {"type": "object", "description": "as in the ini; of a server state, too"},
                },
            },
        }
    },
}
"""The schema of the order."""


def wanted(configuration: Configuration, order: Mapping[str, Any]) -> Configuration:
    """The configuration with all steps.  Raises BadOrder or ChangeRefused, whose `at` names the step."""
    steps = order.get("changes")
    if set(order) != {"changes"} or not isinstance(steps, list) or len(steps) > MOST:
        raise BadOrder(f"give changes, a list of at most {MOST} steps", "changes")
    for number, step in enumerate(steps):
        try:
            configuration = _applied(configuration, step)
        except BadOrder as error:
            raise BadOrder(str(error), f"changes[{number}].{error.at}") from error
        except ChangeRefused as error:
            raise ChangeRefused(error.code, str(error), f"changes[{number}] {error.at}") from error
    return configuration


def _applied(configuration: Configuration, step: Any) -> Configuration:
    if not isinstance(step, dict) or not FIELDS.issuperset(step):
        raise BadOrder(f"a step has {', '.join(sorted(FIELDS))}", "step")
    verb, kind, name, keys = (step.get(key) for key in ("verb", "kind", "name", "keys"))
    act = STEPS.get((verb, kind)) if isinstance(verb, str) and isinstance(kind, str) else None
    if act is None:
        raise BadOrder(f"verb is one of {', '.join(VERBS)}, kind one of {', '.join(KINDS)}", "verb")
    keys = {} if keys is None else keys
    if not isinstance(name, str) or not name or not isinstance(keys, dict):
        raise BadOrder("name is a text, keys an object with the ini's keys", "name")
    return act(configuration, name, keys)


def ordered(seen: RegistrySnapshot, order: Mapping[str, Any]) -> Iterator[Ordered]:
    """The states that steps order servers to, where they are in another; of an order that was `wanted`.

    Raises BadOrder.
    """
    for number, step in enumerate(order["changes"]):
        keys = step.get("keys") or {}
        if (step["verb"], step["kind"]) == ("change", "server") and "state" in keys:
            pool, name = _server(step["name"])
            server = seen.server(pool, name)
            try:
                state = state_of(keys["state"])
            except BadOrder as error:
                raise BadOrder(str(error), f"changes[{number}].state") from error
            if server is None or server.state is not state:
                yield Ordered(pool, name, state)
