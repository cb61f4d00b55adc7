from __future__ import annotations

from director.admin.accounts import VIEWER
from director.admin.route import JSON, ApiRoute


def test_a_route_is_for_who_may_look_and_gives_json_unless_it_says_otherwise() -> None:
    found = ApiRoute("pools", "GET", "/api/v1/pools", "All pools.")
    assert (found.access, found.gives, found.takes, found.statuses) == (VIEWER, JSON, "", (200,))
