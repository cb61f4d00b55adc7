"""Orders that come in as JSON, turned into registry changes.

Pure.  Every message names the field and what is right; the caller answers 400 for
`BadOrder`, and `status_of` maps a refused change to its status.
"""

from __future__ import annotations

import difflib
import ipaddress
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import evolve

from director.admin.control import PacketQuestion, Question
from director.config.parse import servers
from director.config.parse.addresses import address
from director.config.text.messages import BadValue
from director.errors import ChangeRefused, DirectorError
from director.model.pools import LARGEST_COUNT, Address, Server, State
from director.model.settings import Configuration
from director.model.virtual import PROTOCOLS
from director.registry.changes import Change, Ordered, ServerChanged
from director.registry.draft import Draft
from director.registry.snapshot import RegistrySnapshot, ServerSnapshot

STATES = {one.value: one for one in State}
STATUS = {
    "ESRCH": 404, "ENOENT": 404, "EEXIST": 409, "EBUSY": 409, "ENODATA": 409, "EINVAL": 400, "ERANGE": 400,
    "EPERM": 403,
}  # fmt: skip
WAYS: Mapping[str, Callable[[str], Any]] = {"forward": servers.forward, "tunnel": servers.tunnel}
PATCHED = ("weight", "max", "min", "state", *WAYS)
"""What of a server a PATCH may change."""
METHODS = 32
"""Longest method of a question; a longer one is no method."""
LONGEST_URL = 8000
MOST_HEADERS = 100
MOST_DOWN = 1000


class BadOrder(DirectorError):  # noqa: N818 - it is what happened
    """The JSON is not what the route takes; `at` names the field."""

    def __init__(self, message: str, at: str = "") -> None:
        super().__init__(message)
        self.at = at


def status_of(error: ChangeRefused) -> int:
    """The HTTP status for a refused change."""
    return STATUS.get(error.code, 400)


def parse_object(body: bytes) -> dict[str, Any]:
    """A JSON object with each key once.  Raises BadOrder."""
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError as error:
        raise BadOrder("the JSON is nested too deeply") from error
    except ValueError as error:
        raise BadOrder(f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadOrder('the body must be a JSON object, such as {"weight": 2}')
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadOrder("a key stands twice in the JSON")
    return found


def _no_constant(word: str) -> None:
    raise BadOrder(f"{word} is not a JSON number")


def known(order: Mapping[str, Any], names: Iterable[str]) -> None:
    """Raises BadOrder for a field that is none of the names."""
    names = tuple(names)
    for key in order:
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1)
            there = f"known: {', '.join(names)}" if names else "this order has none"
            hint = f"did you mean {near[0]!r}?" if near else there
            raise BadOrder(f"unknown field {key[:40]!r}; {hint}", key[:40])


def some_fields(order: dict[str, Any]) -> dict[str, Any]:
    """The same.  Raises BadOrder when it changes nothing."""
    if not order:
        raise BadOrder("nothing to change: give a key of the ini and its value")
    return order


def no_fields(body: bytes) -> None:
    """An order without fields: nothing, or an empty object.  Raises BadOrder."""
    if body.strip():
        known(parse_object(body), ())


def _number(order: Mapping[str, Any], name: str, largest: int) -> int | None:
    if name not in order:
        return None
    value = order[name]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= largest:
        raise BadOrder(f"{name} must be a whole number from 0 to {largest}", name)
    return value


def _state(order: Mapping[str, Any]) -> State | None:
    if "state" not in order:
        return None
    return state_of(order["state"])


def state_of(value: object) -> State:
    """The state that a value of JSON names.  Raises BadOrder."""
    if not isinstance(value, str) or value not in STATES:
        raise BadOrder(f"state must be one of {', '.join(STATES)}", "state")
    return STATES[value]


def server_changes(
    seen: RegistrySnapshot, pool_name: str, name: str, order: Mapping[str, Any]
) -> tuple[Change, ...]:
    """Changes for a PATCH of a server (`PATCHED`); empty when nothing differs.

    Raises BadOrder for a wrong field, ChangeRefused when there is no such pool or server.
    """
    known(order, PATCHED)
    if not order:
        raise BadOrder("nothing to change: give weight, max, min or state")
    state, settings = _state(order), _settings(order)
    server = _server(seen, pool_name, name)
    changed = _evolved(server.config, settings)
    changes: list[Change] = [] if changed == server.config else [ServerChanged(pool_name, changed)]
    if state is not None and state is not server.state:
        changes.append(Ordered(pool_name, name, state))
    return tuple(changes)


def server_changed(
    configuration: Configuration, pool_name: str, name: str, order: Mapping[str, Any]
) -> Configuration:
    """With other settings of a server: what of a PATCH is configuration.

    Raises BadOrder for a wrong field, ChangeRefused when there is no such pool or server.
    """
    known(order, [key for key in PATCHED if key != "state"])
    server = Draft(configuration).server(pool_name, name)
    change = ServerChanged(pool_name, _evolved(server, _settings(order)))
    return change.on_configuration(configuration)


def _settings(order: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {field: _number(order, field, LARGEST_COUNT) for field in ("weight", "max", "min")}
    return {**_given(numbers), **_way(order)}


def _evolved(server: Server, settings: Mapping[str, Any]) -> Server:
    try:
        return evolve(server, **settings)
    except DirectorError as error:
        raise BadOrder(str(error)) from error


def _way(order: Mapping[str, Any]) -> dict[str, Any]:
    """How layer 4 reaches the server, in the words of a `server.NAME` line."""
    found: dict[str, Any] = {}
    for key, parse in WAYS.items():
        if key in order:
            value = order[key]
            if not isinstance(value, str):
                raise BadOrder(f"{key} is a text, as behind {key}= in the ini", key)
            try:
                found[key] = parse(value)
            except BadValue as bad:
                raise BadOrder(f"{bad.message}; {bad.hint}" if bad.hint else bad.message, key) from bad
    return found


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _server(seen: RegistrySnapshot, pool_name: str, name: str) -> ServerSnapshot:
    if pool_name not in seen.pools:
        raise ChangeRefused("ESRCH", "No such pool", pool_name)
    found = seen.server(pool_name, name)
    if found is None:
        raise ChangeRefused("ENOENT", "No such server in the pool", f"{pool_name}/{name}")
    return found


def question(order: Mapping[str, Any]) -> Question:
    """The request of an `explain` order.  Raises BadOrder."""
    known(order, ("method", "url", "headers", "client", "service", "down"))
    url = text(order, "url", LONGEST_URL)
    if not url:
        raise BadOrder("give a url, such as http://www.example.org/path", "url")
    return Question(
        method=text(order, "method", METHODS) or "GET",
        url=url,
        headers=_headers(order.get("headers", {})),
        client=_client(order),
        service=text(order, "service", 128),
        down=_down(order.get("down", [])),
    )


def packet_question(order: Mapping[str, Any]) -> PacketQuestion:
    """The packet of an `explain` order.  Raises BadOrder."""
    known(order, ("protocol", "client", "virtual", "mark", "down"))
    protocol = text(order, "protocol", 8) or "tcp"
    if protocol not in PROTOCOLS:
        raise BadOrder(f"protocol is one of {', '.join(PROTOCOLS)}", "protocol")
    client, virtual = _end(order, "client", "192.0.2.9:40000"), _end(order, "virtual", "192.0.2.53:53")
    if (":" in client.host) is not (":" in virtual.host):
        raise BadOrder("client and virtual are of one IP version", "client")
    mark = _number(order, "mark", 2**32 - 1) or 0
    return PacketQuestion(protocol, client, virtual, mark, _down(order.get("down", [])))


def _end(order: Mapping[str, Any], key: str, example: str) -> Address:
    """An address with its port."""
    try:
        found = address(text(order, key, 64))
        ipaddress.ip_address(found.host)
    except (BadValue, ValueError) as error:
        raise BadOrder(f"{key} is an address with a port, such as {example}", key) from error
    return found


def _down(value: Any) -> tuple[str, ...]:
    """Servers that are supposed to be down, as POOL/SERVER."""
    shaped = isinstance(value, list) and len(value) <= MOST_DOWN
    if not shaped or not all(isinstance(one, str) and one.count("/") == 1 and _clean(one) for one in value):
        raise BadOrder(f"down must be a list of at most {MOST_DOWN} servers, each as POOL/SERVER", "down")
    return tuple(dict.fromkeys(value))


def text(order: Mapping[str, Any], name: str, longest: int) -> str:
    """A field that is a text; empty when it is not there.  Raises BadOrder."""
    value = order.get(name, "")
    if not isinstance(value, str) or len(value) > longest or not _clean(value):
        raise BadOrder(f"{name} must be at most {longest} visible ASCII characters", name)
    return value


def _client(order: Mapping[str, Any]) -> str:
    """Whose request it shall be: an address, or `unix` as the log calls who comes over such a socket."""
    client = text(order, "client", 64) or "127.0.0.1"
    try:
        return client if client == "unix" else str(ipaddress.ip_address(client))
    except ValueError as error:
        raise BadOrder(f"client must be an IP address, not {client!r}", "client") from error


def _clean(text: str) -> bool:
    return text.isprintable() and text.isascii()


def _headers(value: Any) -> tuple[tuple[str, str], ...]:
    """Headers as an object, or as a list of [name, value] pairs when one stands twice."""
    pairs = list(value.items()) if isinstance(value, dict) else value
    shaped = isinstance(pairs, list) and all(
        isinstance(pair, list | tuple)
        and len(pair) == 2
        and all(isinstance(one, str) and _clean(one) for one in pair)
        for pair in pairs
    )
    if not shaped or len(pairs) > MOST_HEADERS:
        raise BadOrder("headers must be an object of texts, or a list of [name, value]", "headers")
    return tuple((name, text) for name, text in pairs)
