from __future__ import annotations

from director.admin.page_routes import ENTRANCES, PAGES
from director.admin.pages.frame import PLACES
from director.admin.route import FORM, OPEN


def test_each_place_that_all_pages_lead_to_has_a_route() -> None:
    assert {to for to, _ in PLACES} <= {route.path for route in PAGES if route.method == "GET"}


def test_only_the_ways_in_are_open_and_every_write_is_a_form() -> None:
    assert {route.name for route in PAGES if route.access == OPEN} <= ENTRANCES
    assert {route.takes for route in PAGES if route.method == "POST"} == {FORM}
