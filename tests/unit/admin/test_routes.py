from __future__ import annotations

import inspect

from director.admin.access import Access
from director.admin.api import Api
from director.admin.events import Events
from director.admin.explaining import Explaining
from director.admin.orders import Orders
from director.admin.rehearsals import RehearsalRoutes
from director.admin.reloads import Reloads
from director.admin.route import JSON, OPEN
from director.admin.routes import NOT_THE_API, ROUTES
from director.admin.searches import Searches


def test_names_and_places_are_unique() -> None:
    assert len({route.name for route in ROUTES}) == len(ROUTES)
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_each_route_of_the_api_has_its_method_and_each_method_its_route() -> None:
    names = {route.name for route in ROUTES} - NOT_THE_API
    methods = {
        name
        for part in (Access, Api, Events, Explaining, Orders, RehearsalRoutes, Reloads, Searches)
        for name, found in inspect.getmembers(part, inspect.isfunction)
        if not name.startswith("_") and "call" in inspect.signature(found).parameters
    }
    assert names == methods


def test_only_probes_and_the_sign_in_are_open() -> None:
    assert {route.name for route in ROUTES if route.access == OPEN} == {
        "healthz",
        "readyz",
        "metrics",
        "openapi",
        "static",
        "login_page",
        "login",
    }


def test_a_body_that_is_described_is_json() -> None:
    assert all(route.takes == JSON for route in ROUTES if route.body)
