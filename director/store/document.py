"""The orders of an overlay as text, for a file: JSON that a person can read.

    {"format": 1, "servers": {"web": {"a": {"weight": 3, "state": "drain"}}}}

Pure.  A text that is not such a document raises `StoreError`, whole: half of the orders would be worse
than none, since nobody could tell which half.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from director.errors import StoreError
from director.model.pools import LARGEST_COUNT, State
from director.store.overlay import FIELDS, STATE, Order, Place

FORMAT = 1
LARGEST = 16 << 20
"""Octets of a document that are read: a hundred thousand servers with every order there is."""
_STATES = [state.value for state in State if state is not State.READY]


def encode(orders: Mapping[Place, Order]) -> str:
    """The document of `orders`; equal orders give the same text."""
    servers: dict[str, dict[str, Order]] = {}
    for (pool, name), order in sorted(orders.items()):
        servers.setdefault(pool, {})[name] = dict(sorted(order.items()))
    return json.dumps({"format": FORMAT, "servers": servers}, indent=1, ensure_ascii=False) + "\n"


def decode(text: str) -> dict[Place, Order]:
    """The orders of a document.  Raises StoreError."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"it is not JSON: {error}") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise StoreError(f"it is not a document of format {FORMAT}")
    return {
        (pool, name): _order(order, f"{pool}/{name}")
        for pool, servers in _mapping(found.get("servers"), "servers")
        for name, order in _mapping(servers, pool)
    }


def _mapping(found: object, where: str) -> list[tuple[str, Any]]:
    if not isinstance(found, dict):
        raise StoreError(f"{where} is not an object")
    return list(found.items())


def _order(found: object, where: str) -> Order:
    order = dict(_mapping(found, where))
    for name, value in order.items():
        number = name in FIELDS and type(value) is int and 0 <= value <= LARGEST_COUNT
        if not number and not (name == STATE and value in _STATES):
            raise StoreError(f"{where} has {name} = {json.dumps(value)[:40]}, which is no order")
    return order
