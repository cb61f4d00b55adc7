"""Values of the model as text and back, for what is kept and for what travels between processes.

The form is JSON.  A value of a class is an object whose `=` names the class; fields that have their
default are left out, so a field that a later version adds is read from what an earlier one kept.

    {"=": "Server", "name": "a", "address": {"=": "Address", "host": "10.0.0.1", "port": 80}}

Only the classes that are named here are ever made, and each checks itself when it is made: nothing of what
is read can run.  Pure.
"""

from __future__ import annotations

import enum
import ipaddress
import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import attrs

from director.errors import DirectorError, StoreError
from director.model import conditions, drills, http, pools, settings, virtual
from director.registry import changes, edits, registry

CLASS = "="
DEEPEST = 200
"""Values in values that are read; a condition of the file has its own, lower bound."""

_PLAIN = (str, int, float, bool, type(None))
_NETWORKS = (ipaddress.IPv4Network, ipaddress.IPv6Network, ipaddress.IPv4Address, ipaddress.IPv6Address)


def _classes() -> Iterator[tuple[str, type]]:
    def of(module: ModuleType) -> Iterator[tuple[str, type]]:
        for name, found in vars(module).items():
            if isinstance(found, type) and (attrs.has(found) or issubclass(found, enum.Enum)):
                yield name, found

    for module in (conditions, drills, http, pools, settings, virtual, changes, edits):
        yield from of(module)
    yield "Generation", registry.Generation


KNOWN: dict[str, type] = dict(_classes())
"""The classes whose values may be kept, by name."""
_FIELDS: dict[type, tuple[Any, ...]] = {
    cls: tuple(attrs.fields(cls)) for cls in KNOWN.values() if attrs.has(cls)
}


def packed(value: Any) -> Any:
    """What `json` can write.  Raises TypeError for a value that this program does not know."""
    if isinstance(value, enum.Enum):
        return {CLASS: type(value).__name__, "is": value.value}
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, tuple | list):
        return [packed(one) for one in value]
    fields = _FIELDS.get(type(value))
    if fields is not None:
        found = {CLASS: type(value).__name__}
        for one in fields:
            part = getattr(value, one.name)
            if isinstance(one.default, attrs.Factory) or part != one.default:  # type: ignore[arg-type]
                found[one.alias or one.name] = packed(part)
        return found
    return _packed_rare(value)


def _packed_rare(value: Any) -> dict[str, Any]:
    if isinstance(value, bytes):
        return {CLASS: "bytes", "is": b64encode(value).decode()}
    if isinstance(value, frozenset):
        return {CLASS: "set", "of": sorted((packed(one) for one in value), key=repr)}
    if isinstance(value, dict):
        return {CLASS: "map", "of": [[packed(key), packed(one)] for key, one in value.items()]}
    if isinstance(value, _NETWORKS):
        return {CLASS: type(value).__name__, "is": str(value)}
    raise TypeError(f"a {type(value).__name__} cannot be kept")


def unpacked(found: Any, depth: int = 0) -> Any:
    """The value.  Raises StoreError for what `packed` did not make."""
    if isinstance(found, list):
        if depth > DEEPEST:
            raise StoreError("it is nested too deeply")
        return tuple(unpacked(one, depth + 1) for one in found)
    if not isinstance(found, dict):
        return found
    word = found.get(CLASS)
    try:
        return _made(word, found, depth)
    except (TypeError, ValueError, KeyError, DirectorError) as error:
        raise StoreError(f"it has no good {str(word)[:40]}: {error}") from error


def _made(word: Any, found: dict[str, Any], depth: int) -> Any:
    if depth > DEEPEST:
        raise StoreError("it is nested too deeply")
    if word == "bytes":
        return b64decode(found["is"], validate=True)
    if word == "set":
        return frozenset(unpacked(found["of"], depth + 1))
    if word == "map":
        return dict(unpacked(found["of"], depth + 1))
    network = next((one for one in _NETWORKS if one.__name__ == word), None)
    if network is not None:
        return network(found["is"])
    cls = KNOWN[word]
    if "is" in found and issubclass(cls, enum.Enum):
        return cls(found["is"])
    return cls(**{name: unpacked(part, depth + 1) for name, part in found.items() if name != CLASS})


def dumps(value: Any) -> str:
    """One line of text.  Raises TypeError for a value that this program does not know."""
    return json.dumps(packed(value), ensure_ascii=False, separators=(",", ":"))


def loads(text: str | bytes) -> Any:
    """The value of a line.  Raises StoreError."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"it is not JSON: {error}") from error
    return unpacked(found)
