"""The pages of the docs that list something list all of it."""

from __future__ import annotations

import re
from pathlib import Path

from director.admin.routes import NOT_THE_API, ROUTES

DOCS = Path(__file__).parents[2] / "docs"
PACKAGE = DOCS.parent / "director"


def page(name: str) -> str:
    return (DOCS / name).read_text()


def test_the_page_of_the_api_has_every_route() -> None:
    text = page("api.md")
    missing = [route.path for route in ROUTES if route.name not in NOT_THE_API and route.path not in text]
    assert not missing, "describe these in docs/api.md"


def test_the_page_of_the_api_names_no_route_that_is_not_there() -> None:
    known = {route.path for route in ROUTES}
    named = set(re.findall(r"`(?:(?:GET|POST|PATCH|DELETE) )?(/[\w/{}.]*)`", page("api.md")))
    assert named <= known


def test_the_page_of_the_metrics_has_every_name() -> None:
    source = (PACKAGE / "admin" / "metrics.py").read_text()
    names = set(re.findall(r'"((?:director|process)_[a-z0-9_]+)"', source))
    prefixes = {"director_service", "director_server", "director_l4"}
    text = page("metrics.md")
    missing = [name for name in sorted(names - prefixes) if name not in text]
    assert not missing, "describe these in docs/metrics.md"
