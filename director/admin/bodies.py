"""What the bodies of orders hold, as JSON schemas: the routes name them, the API's description shows them."""

from __future__ import annotations

from typing import Any

from director.admin.accounts import ROLES
from director.model.pools import LARGEST_COUNT, Forward
from director.model.virtual import PROTOCOLS

COUNT: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": LARGEST_COUNT}

SERVER_ORDER: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {
        "weight": COUNT,
        "max": COUNT,
        "min": COUNT,
        "state": {"type": "string", "enum": ["ready", "drain", "maint"]},
        "forward": {"type": "string", "enum": [one.value for one in Forward]},
        "tunnel": {"type": "string", "description": "as behind tunnel= in the ini"},
    },
}
PACKET: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["virtual", "client"],
    "properties": {
        "protocol": {"type": "string", "enum": list(PROTOCOLS), "default": "tcp"},
        "client": {"type": "string", "description": "an address with a port"},
        "virtual": {"type": "string", "description": "an address with a port"},
        "mark": {"type": "integer", "minimum": 0},
        "down": {"type": "array", "items": {"type": "string"}},
    },
}
QUESTION: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["url"],
    "properties": {
        "method": {"type": "string", "default": "GET"},
        "url": {"type": "string"},
        "headers": {
            "description": "an object, or a list of [name, value]",
            "type": ["object", "array"],
        },
        "client": {"type": "string", "default": "127.0.0.1"},
        "service": {"type": "string", "description": "l7:NAME; empty = found by the URL"},
        "down": {"type": "array", "items": {"type": "string"}},
    },
}
EITHER: dict[str, Any] = {"anyOf": [QUESTION, PACKET]}
KEYS: dict[str, Any] = {
    "type": "object",
    "description": "keys and values as in the ini",
    "additionalProperties": {"type": ["string", "number", "boolean", "array"]},
}
SET: dict[str, Any] = {
    **KEYS,
    "description": "keys and values as in the ini; null takes a key back to what it is without a line",
    "minProperties": 1,
    "additionalProperties": {"type": ["string", "number", "boolean", "array", "null"]},
}
NAMED: dict[str, Any] = {
    **KEYS,
    "required": ["name"],
    "properties": {"name": {"type": "string"}},
}
NEW_SERVER: dict[str, Any] = {
    **KEYS,
    "required": ["name", "address"],
    "properties": {"name": {"type": "string"}, "address": {"type": "string"}},
}
NEW_TOKEN: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["user"],
    "properties": {
        "user": {"type": "string"},
        "role": {"type": "string", "enum": list(ROLES), "description": "the user's own when not given"},
        "expires": {
            "type": "string",
            "description": "such as 30d; else it ends with its user",
        },
        "note": {"type": "string", "maxLength": 100},
    },
}
FAULT_ORDER: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "ttl": {"type": "string", "description": "a duration, such as 2s"},
        "seed": {"type": "integer", "minimum": 0},
    },
}
DRILL_ORDER: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "seed": {"type": "integer", "minimum": 0},
        "control": {"type": "boolean", "description": "run it once without the faults first"},
    },
}
