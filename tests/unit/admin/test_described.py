"""The things that answers are about; `test_schemas` holds real answers against them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from director.admin.described import COMPONENTS
from director.model.pools import Forward
from tests.support.schemas import misfits
from tests.unit.admin import sample
from tests.unit.admin.wire import Admin

WHOLE = {"components": {"schemas": COMPONENTS}}


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every object with named keys in a schema."""
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for part in schema.values():
            yield from objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from objects(part)


@pytest.mark.parametrize("name", COMPONENTS)
def test_objects_are_closed_and_require_what_they_have(name: str) -> None:
    for one in objects(COMPONENTS[name]):
        assert one["additionalProperties"] is False
        assert set(one["required"]) <= set(one["properties"])


def test_references_lead_to_things() -> None:
    named = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(COMPONENTS)))
    assert named <= set(COMPONENTS)


def test_a_service_is_of_one_layer() -> None:
    made = Admin()
    sample.fill(made.control)
    services = {one["layer"]: one for one in made.get("/api/v1/services").json}
    assert list(misfits(services["l4"], COMPONENTS["ServiceOfLayer4"], WHOLE)) == []
    assert list(misfits(services["l7"], COMPONENTS["ServiceOfLayer7"], WHOLE)) == []
    mixed = {**services["l7"], "virtual": "udp 192.0.2.53:53"}
    assert list(misfits(mixed, COMPONENTS["Service"], WHOLE)) != []


def test_methods_are_those_that_can_be_configured() -> None:
    forward = COMPONENTS["ServiceOfLayer4"]["properties"]["forward"]
    assert forward["enum"] == [one.value for one in Forward]
