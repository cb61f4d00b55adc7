from __future__ import annotations

from director.admin import bodies
from director.admin.routes import ROUTES


def test_what_must_be_there_is_described() -> None:
    for route in ROUTES:
        body = route.body or {}
        assert set(body.get("required", ())) <= set(body.get("properties", {})), route.name


def test_what_is_closed_refuses_other_fields() -> None:
    for body in (bodies.FAULT_ORDER, bodies.DRILL_ORDER, bodies.SERVER_ORDER, bodies.QUESTION):
        assert body["additionalProperties"] is False
