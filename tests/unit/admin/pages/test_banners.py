from __future__ import annotations

import re

from attrs import evolve

from director.admin.pages.banners import banners
from director.admin.pages.frame import page
from director.admin.pages.html import join
from director.admin.pages.viewer import Notices, Viewer
from tests.unit.admin.pages.looks import ADMIN, ONLOOKER, OPERATOR
from tests.unit.admin.pages.test_html import read

FAULT = {
    "name": "a <hangs>",
    "do": "hang",
    "server": ["web/a"],
    "hits": 1,
    "packets": 0,
    "author": "ops",
    "left": 59.2,
}
WAITING = {"generation": 7, "author": "root", "seconds": 41.0, "guard": "5xx > 20%"}
NOTICES = Notices((FAULT,), {"run": "r1", "drill": "two hang"}, WAITING)


def shown(viewer: Viewer, notices: Notices = NOTICES) -> str:
    return join(banners(evolve(viewer, notices=notices)))


def test_without_anything_special_there_is_nothing() -> None:
    assert shown(ADMIN, Notices()) == ""


def test_each_says_what_it_is_and_when_it_ends() -> None:
    text = read(shown(ONLOOKER)).text
    for part in (
        "Generation 7 is on trial",
        "It is undone by itself in 41 s, or when 5xx > 20%, unless",
        "a <hangs>: hang on web/a, 1 request hit, started by ops, ends by itself in 1:00",
        "The drill two hang runs",
    ):
        assert part in text


def test_of_packets_flows_are_counted_too() -> None:
    lost = {**FAULT, "hits": 2, "packets": 31}
    assert "2 flows, 31 packets hit, started by" in read(shown(ONLOOKER, Notices((lost,)))).text


def test_a_guard_that_is_off_is_not_told() -> None:
    found = shown(ONLOOKER, Notices(waiting={**WAITING, "guard": "off"}))
    assert "undone by itself in 41 s, unless" in read(found).text


def test_each_role_has_the_buttons_it_may_press() -> None:
    wanted = {ADMIN: {"Keep it", "Take it back now", "Stop it"}, OPERATOR: {"Stop it"}, ONLOOKER: set[str]()}
    for viewer, labels in wanted.items():
        html = shown(viewer)
        assert {
            label for label in ("Keep it", "Take it back now", "Stop it") if f">{label}<" in html
        } == labels


def test_they_stand_above_every_page() -> None:
    text = read(page("x", "the page itself", evolve(ADMIN, notices=NOTICES), "/rules")).text
    assert text.index("is on trial") < text.index("A fault is injected") < text.index("the page itself")


def test_what_counts_down_is_not_told_to_who_listens_every_second() -> None:
    """WAI-ARIA 1.2, 5.4: the roles alert and status are live regions, all that they hold is announced."""
    html = shown(ADMIN)
    live = re.findall(r'<(h2|p) role="(?:alert|status)">(.*?)</\1>', html)
    assert len(live) == html.count("role=") == 3
    assert not [text for _, text in live if "data-left" in text]
