"""Orders that add, change and remove services, pools, servers and rules, as the configuration they want.

Pure.  Each function gives the whole configuration that is wanted; the difference to the one that runs is the
change (`registry.changes.plan`), so what others changed meanwhile is never undone by a stale copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from attrs import evolve

from director.admin.edits import BadOrder
from director.config import objects
from director.config.objects import Unfit
from director.errors import ChangeRefused
from director.model.http import L7Service, Rule
from director.model.pools import Pool
from director.model.settings import Configuration
from director.model.virtual import L4Service, L4Settings

T = TypeVar("T")

LAYERS = ("l7", "l4")
LONGEST_VALUE = 8192


def texts(order: Mapping[str, Any]) -> dict[str, str]:
    """The fields of an order as they would stand in the ini: numbers, yes and no, lists with commas.

    Raises BadOrder.
    """
    return {key: _text(key, value) for key, value in order.items()}


def changes(order: Mapping[str, Any]) -> dict[str, str | None]:
    """The same for a PATCH, where null takes a key back to what it is without a line (RFC 7396).

    Raises BadOrder.
    """
    return {key: None if value is None else _text(key, value) for key, value in order.items()}


def _text(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | str):
        text = str(value)
    elif isinstance(value, list) and all(isinstance(one, str | int) for one in value):
        text = ", ".join(str(one) for one in value)
    else:
        raise BadOrder(f"{key} must be a text as in the ini, a number, true, false, or a list", key[:40])
    if len(text) > LONGEST_VALUE or not all(one.isprintable() or one == "\n" for one in text):
        raise BadOrder(f"{key} must be at most {LONGEST_VALUE} printable characters", key[:40])
    return text


def named(order: Mapping[str, Any], what: str) -> tuple[str, dict[str, Any]]:
    """The `name` of an order, and the rest of it.  Raises BadOrder."""
    rest = dict(order)
    name = rest.pop("name", None)
    if not isinstance(name, str) or not name:
        raise BadOrder(f"give a name, such as {what}", "name")
    return name, rest


def _made(make: Callable[..., T], *facts: Any) -> T:
    try:
        return make(*facts)
    except Unfit as error:
        raise BadOrder(str(error), error.at) from error


def _exists(what: str, at: str) -> ChangeRefused:
    return ChangeRefused("EEXIST", f"{what} already exists; change it with PATCH", at)


def _replaced(found: Iterable[T], old: T, new: T | None) -> tuple[T, ...]:
    """The same with another in the place of `old`, or without it."""
    return tuple(one if one is not old else new for one in found if one is not old or new is not None)  # type: ignore[misc]


# --- pools and servers --------------------------------------------------------------------------


def _pool(configuration: Configuration, name: str) -> Pool:
    found = next((one for one in configuration.pools if one.name == name), None)
    if found is None:
        raise ChangeRefused("ESRCH", "No such pool", name)
    return found


def pool_added(configuration: Configuration, order: Mapping[str, Any]) -> tuple[Configuration, str]:
    """With one more pool; its name."""
    name, rest = named(order, "web")
    if any(one.name == name for one in configuration.pools):
        raise _exists("The pool", name)
    made = _made(objects.made, "pool", name, texts(rest))
    return checked(evolve(configuration, pools=(*configuration.pools, made))), name


def pool_changed(configuration: Configuration, name: str, order: Mapping[str, Any]) -> Configuration:
    """With other settings of a pool."""
    old = _pool(configuration, name)
    for key in order:
        if key.startswith("server."):
            raise BadOrder("servers are changed one by one, at pools/NAME/servers/NAME", key[:40])
    new = _made(objects.merged, "pool", old, changes(order))
    return checked(evolve(configuration, pools=_replaced(configuration.pools, old, new)))


def pool_removed(configuration: Configuration, name: str) -> Configuration:
    """Without a pool."""
    old = _pool(configuration, name)
    return evolve(configuration, pools=_replaced(configuration.pools, old, None))


def server_added(
    configuration: Configuration, pool: str, order: Mapping[str, Any]
) -> tuple[Configuration, str]:
    """With one more server in a pool, at the end of its order; its name."""
    old = _pool(configuration, pool)
    name, rest = named(order, "a")
    if any(one.name == name for one in old.servers):
        raise _exists("The server", f"{pool}/{name}")
    if "address" not in rest:
        raise BadOrder("give an address, such as 10.0.0.13:8080", "address")
    line = objects.server_line(texts(rest))
    made = _made(objects.made, "pool", pool, {f"server.{name}": line})
    new = evolve(old, servers=(*old.servers, *made.servers))
    return evolve(configuration, pools=_replaced(configuration.pools, old, new)), name


def server_removed(configuration: Configuration, pool: str, name: str) -> Configuration:
    """Without a server."""
    old = _pool(configuration, pool)
    left = tuple(one for one in old.servers if one.name != name)
    if len(left) == len(old.servers):
        raise ChangeRefused("ENOENT", "No such server in the pool", f"{pool}/{name}")
    new = evolve(old, servers=left)
    return evolve(configuration, pools=_replaced(configuration.pools, old, new))


# --- services -----------------------------------------------------------------------------------


def _layer(key: str) -> tuple[str, str]:
    layer, colon, name = key.partition(":")
    if layer not in LAYERS or not colon or not name:
        raise BadOrder(f"a service is named l7:NAME or l4:NAME, not {key[:40]!r}", "name")
    return layer, name


def _with(configuration: Configuration, layer: str, services: tuple[Any, ...]) -> Configuration:
    fields: dict[str, Any] = {layer: services}
    return evolve(configuration, **fields)


def _service(configuration: Configuration, layer: str, name: str) -> L7Service | L4Service:
    services: tuple[L7Service | L4Service, ...] = getattr(configuration, layer)
    found = next((one for one in services if one.name == name), None)
    if found is None:
        raise ChangeRefused("ESRCH", "No such service", f"{layer}:{name}")
    return found


def service_added(configuration: Configuration, order: Mapping[str, Any]) -> tuple[Configuration, str]:
    """With one more service; its key."""
    key, rest = named(order, "l7:www")
    layer, name = _layer(key)
    if any(one.name == name for one in getattr(configuration, layer)):
        raise _exists("The service", key)
    made = _made(objects.made, layer, name, texts(rest))
    return checked(_with(configuration, layer, (*getattr(configuration, layer), made))), key


def service_changed(configuration: Configuration, key: str, order: Mapping[str, Any]) -> Configuration:
    """With other settings of a service."""
    layer, name = _layer(key)
    old = _service(configuration, layer, name)
    new = _made(objects.merged, layer, old, changes(order))
    return checked(_with(configuration, layer, _replaced(getattr(configuration, layer), old, new)))


def service_removed(configuration: Configuration, key: str) -> Configuration:
    """Without a service."""
    layer, name = _layer(key)
    old = _service(configuration, layer, name)
    return _with(configuration, layer, _replaced(getattr(configuration, layer), old, None))


def layer4_changed(configuration: Configuration, order: Mapping[str, Any]) -> Configuration:
    """With other settings of layer 4 as a whole, the keys of `[l4]`."""
    old = configuration.l4_settings or L4Settings()
    new = _made(objects.merged, "l4-settings", old, changes(order))
    return configuration if new == old else evolve(configuration, l4_settings=new)


# --- rules --------------------------------------------------------------------------------------


def rule_of(configuration: Configuration, number: str) -> Rule:
    """The rule of a number.  Raises ChangeRefused when there is none, or several services have it."""
    found = [one for one in configuration.rules if str(one.number) == number]
    if not found:
        raise ChangeRefused("ESRCH", "No such rule", number)
    if len(found) > 1:
        services = ", ".join(one.service for one in found)
        text = f"Services {services} have a rule of that number; give each its own in the file"
        raise ChangeRefused("EBUSY", text, number)
    return found[0]


def rule_added(configuration: Configuration, order: Mapping[str, Any]) -> tuple[Configuration, str]:
    """With one more rule; its number.  It is named by `name` (`100 images`), or `number` and `title`."""
    rest = dict(order)
    number, title = rest.pop("number", ""), rest.pop("title", "")
    if number != "":
        rest.setdefault("name", f"{number} {title}".rstrip())
    name, rest = named(rest, "100 images")
    made: Rule = _made(objects.made, "rule", name, texts(rest))
    if any(one.number == made.number for one in configuration.rules):
        raise _exists("A rule of that number", str(made.number))
    wanted = evolve(configuration, rules=(*configuration.rules, made))
    return checked(wanted), str(made.number)


def rule_changed(configuration: Configuration, number: str, order: Mapping[str, Any]) -> Configuration:
    """With another rule of that number."""
    old = rule_of(configuration, number)
    new = _made(objects.merged, "rule", old, changes(order))
    return checked(evolve(configuration, rules=_replaced(configuration.rules, old, new)))


def rule_removed(configuration: Configuration, number: str) -> Configuration:
    """Without a rule."""
    old = rule_of(configuration, number)
    return evolve(configuration, rules=_replaced(configuration.rules, old, None))


# --- what they name ------------------------------------------------------------------------------


def checked(configuration: Configuration) -> Configuration:
    """The same, when all that it names is there; pools are the registry's to check.  Raises BadOrder."""
    checks = {one.name for one in configuration.checks}
    pages = {one.name for one in configuration.pages}
    services = {one.name for one in configuration.l7}
    pools = {one.name for one in configuration.pools}
    for pool in configuration.pools:
        _there("check", "check", pool.checks, checks)
    for service in configuration.l7:
        _there("page", "fault", (one.name for one in service.fault if one.kind == "page"), pages)
        _there("pool", "fault", (one.name for one in service.fault if one.kind == "pool"), pools)
        _there("pool", "pool", [service.pool] if service.pool else (), pools)
    virtuals: set[object] = set()
    for l4 in configuration.l4:
        _there("pool", "pool", [l4.pool], pools)
        if l4.virtual in virtuals:
            raise ChangeRefused("EEXIST", f"Another service has {l4.virtual} already", f"l4:{l4.name}")
        virtuals.add(l4.virtual)
    for rule in configuration.rules:
        _there("service l7", "service", [rule.service], services)
        _there("pool", "pool", [rule.pool] if rule.pool else (), pools)
    return configuration


def _there(what: str, at: str, names: Iterable[str], known: set[str]) -> None:
    for name in names:
        if name not in known:
            some = ", ".join(sorted(known)[:10]) or "none"
            raise BadOrder(f"there is no {what} {name}; there are: {some}", at)
