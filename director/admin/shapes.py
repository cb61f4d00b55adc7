"""What descriptions of answers are made of: JSON schemas of plain values, and of objects with named keys."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
YES: Schema = {"type": "boolean"}
NOTHING: Schema = {"type": "null"}
TIME: Schema = {"type": "string", "format": "date-time"}
LEVEL: Schema = {"type": "string", "enum": ["info", "warning", "error"]}


def words(*words: str) -> Schema:
    """One of these texts."""
    return {"type": "string", "enum": list(words)}


def maybe(schema: Schema) -> Schema:
    """That, or null."""
    return {"anyOf": [schema, NOTHING]}


def rows(schema: Schema) -> Schema:
    """A list of such."""
    return {"type": "array", "items": schema}


def each(schema: Schema) -> Schema:
    """An object whose keys are data."""
    return {"type": "object", "additionalProperties": schema}


def thing(*parts: Schema, **keys: Schema) -> Schema:
    """An object with these keys and with those of `parts`, and with no others."""
    required, properties = [*keys], dict(keys)
    for part in parts:
        required = [*part["required"], *required]
        properties = {**part["properties"], **properties}
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


def perhaps(schema: Schema, **keys: Schema) -> Schema:
    """The same with keys that are not always there."""
    return {**schema, "properties": {**schema["properties"], **keys}}


def at_least(schema: Schema) -> Schema:
    """The same with keys that are not said here, because they are another's to describe."""
    return {key: value for key, value in schema.items() if key != "additionalProperties"}


def named(name: str) -> Schema:
    """One of `COMPONENTS`."""
    return {"$ref": f"#/components/schemas/{name}"}
