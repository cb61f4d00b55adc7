from __future__ import annotations

from director.admin import bodies
from director.admin.routes import ROUTES


def test_each_belongs_to_a_route_and_says_what_must_be_there() -> None:
    known = [value for value in vars(bodies).values() if isinstance(value, dict) and "type" in value]
    used = [route.body for route in ROUTES if route.body is not None]
    assert all(one in known for one in used)
    for body in used:
        assert set(body.get("required", ())) <= set(body.get("properties", {}))


def test_what_is_closed_refuses_other_fields() -> None:
    for body in (bodies.FAULT_ORDER, bodies.DRILL_ORDER, bodies.SERVER_ORDER, bodies.QUESTION):
        assert body["additionalProperties"] is False
