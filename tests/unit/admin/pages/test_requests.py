from __future__ import annotations

import pytest

from director.admin import views
from director.admin.pages.requests import requests, wanted
from tests.unit.admin.pages import looks
from tests.unit.admin.pages.test_html import read

GOOD = {"fault": "", "status": 200, "tries": (), "service": "www", "pool": "web", "server": "a", "rule": ""}


@pytest.mark.parametrize(
    ("trace", "asked", "fits"),
    [
        ({}, {}, True),
        ({}, {"show": "fault"}, False),
        ({"fault": "page sorry"}, {"show": "fault"}, True),
        ({"status": 499}, {"show": "5xx"}, False),
        ({"status": 500}, {"show": "5xx"}, True),
        ({"tries": (("a", "refused"),)}, {"show": "failed"}, True),
        ({}, {"show": "failed"}, False),
        ({}, {"server": "a", "pool": "web"}, True),
        ({}, {"server": "b"}, False),
        ({}, {"server": ""}, True),
        ({}, {"server": "web/a"}, True),
        ({}, {"server": "api/a"}, False),
        ({}, {"service": "l7:www"}, True),
        ({"rule": "100 images"}, {"rule": "100"}, True),
        ({"rule": "100 images"}, {"rule": "100 images "}, True),
        ({"rule": "100 images"}, {"rule": "10"}, False),
    ],
)
def test_a_filter_lets_through_what_it_names(
    trace: dict[str, object], asked: dict[str, str], fits: bool
) -> None:
    assert wanted({**GOOD, **trace}, asked) is fits


def test_each_request_leads_to_its_story_and_stays_text() -> None:
    control = looks.troubled()
    trace = {**control.remembered[0], "target": "/<b>", "id": 'x"/../y'}
    found = [views.trace_view(trace, control.snapshot())]
    page = requests(found, {"show": "fault", "pool": 'we"b'}, looks.ADMIN)
    links = [one.get("href") for name, one in read(page).tags if name == "a"]
    assert "/requests/x%22%2F..%2Fy" in links
    assert "<b>" not in page.replace("<b>edge-1</b>", "")
    assert "/requests?pool=we%22b&show=5xx" in links


def test_what_is_searched_for_stays_in_its_field() -> None:
    tags = read(requests([], {"show": "5xx", "rule": "100"}, looks.ADMIN)).tags
    fields = {found.get("name"): found.get("value") for name, found in tags if name == "input"}
    assert (fields["rule"], fields["pool"], fields["show"]) == ("100", "", "5xx")
