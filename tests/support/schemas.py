"""Holds values against the part of JSON Schema (2020-12) that the API's description uses.

A keyword that is not known here is an error: nothing that is described may go untested.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
KNOWN = {
    "$ref", "additionalProperties", "anyOf", "enum", "format", "items", "minimum", "properties", "required",
    "type",
}  # fmt: skip


def misfits(value: Any, schema: Mapping[str, Any], whole: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """Where a value is not as its schema says; `whole` is the document that references are about."""
    assert schema.keys() <= KNOWN, schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from misfits(value, whole["components"]["schemas"][name], whole, at)
        return
    if "anyOf" in schema:
        tried = [list(misfits(value, one, whole, at)) for one in schema["anyOf"]]
        if all(tried):
            yield min(tried, key=len)[0]
        return
    if "type" in schema and not _is(value, schema["type"]):
        yield f"{at or 'it'} is {value!r}, no {schema['type']}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at} is {value!r}, none of {schema['enum']}"
    if value is not None and "minimum" in schema and value < schema["minimum"]:
        yield f"{at} is {value}"
    if schema.get("format") == "date-time" and datetime.fromisoformat(value).tzinfo is None:
        yield f"{at} has no zone"
    yield from _inside(value, schema, whole, at)


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _inside(value: Any, schema: Mapping[str, Any], whole: Mapping[str, Any], at: str) -> Iterator[str]:
    if isinstance(value, list) and "items" in schema:
        for place, one in enumerate(value):
            yield from misfits(one, schema["items"], whole, f"{at}[{place}]")
    if isinstance(value, dict):
        for key in schema.get("required", ()):
            if key not in value:
                yield f"{at}.{key} is missing"
        described = schema.get("properties", {})
        for key, one in value.items():
            inner = described.get(key, schema.get("additionalProperties"))
            if inner is False:
                yield f"{at}.{key} is not described"
            elif inner is not None:
                yield from misfits(one, inner, whole, f"{at}.{key}")
