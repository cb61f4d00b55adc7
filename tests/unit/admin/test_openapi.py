from __future__ import annotations

import json
import re

from director.admin.openapi import document
from director.admin.routes import NOT_THE_API, ROUTES
from tests.support.raising import nothing_raised


def test_each_route_of_the_api_is_described() -> None:
    paths = document("0.1")["paths"]
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert described == {(route.method, route.path) for route in ROUTES if route.name not in NOT_THE_API}


def test_what_openapi_requires_is_there() -> None:
    made = document("0.1")
    assert made["openapi"].startswith("3.1.")
    assert made["info"] == {"title": "The director", "version": "0.1"}
    for path, methods in made["paths"].items():
        for operation in methods.values():
            named = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path))
            assert all(one["description"] for one in operation["responses"].values())
    json.dumps(made)


def test_references_lead_somewhere() -> None:
    made = document("0.1")
    for target in re.findall(r'"#/([^"]+)"', json.dumps(made)):
        place = made
        with nothing_raised(f"#/{target} leads somewhere"):
            for part in target.split("/"):
                place = place[part]
