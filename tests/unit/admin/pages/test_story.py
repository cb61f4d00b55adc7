from __future__ import annotations

from director.admin import views
from director.admin.pages.story import forgotten, request
from tests.unit.admin.pages import looks
from tests.unit.admin.pages.test_html import read


def test_a_request_is_told_in_its_steps() -> None:
    control = looks.troubled()
    view = views.trace_view(control.remembered[0], control.snapshot())
    text = read(request(view, looks.ADMIN)).text
    places = [text.index(sentence) for sentence in view["story"]]
    assert places == sorted(places)
    assert view["id"] in text


def test_one_that_is_gone_says_how_many_are_kept() -> None:
    page = forgotten("<i>" * 100)
    assert "[director] trace says how many" in page
    assert "<i>" not in page


def test_it_leads_to_the_server_and_to_the_other_requests_of_its_rule() -> None:
    control = looks.troubled()
    found = views.trace_view(control.remembered[1], control.snapshot())
    page = request(found, looks.ADMIN)
    links = [one.get("href") for name, one in read(page).tags if name == "a"]
    assert "/pools/web/a" in links
    assert "/requests?rule=200+users" in links
    for part in ("0.3 ms", "3 ms", "4 ms"):
        assert part in read(page).text
