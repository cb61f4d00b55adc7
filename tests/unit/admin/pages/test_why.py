from __future__ import annotations

import shlex

from director.admin import views
from director.admin.pages.why import FIELDS, command, order, why
from tests.unit.admin.pages import looks
from tests.unit.admin.pages.test_html import read

EMPTY = dict.fromkeys(FIELDS, "")
ASKED = {**EMPTY, "url": "http://a.example/it's", "header": "Cookie: a=b: c", "down": " web/a , web/b"}


def test_only_what_was_filled_in_is_asked() -> None:
    assert order({**EMPTY, "url": "http://a.example/"}) == {"url": "http://a.example/"}
    found = order(ASKED)
    assert found["headers"] == [["Cookie", "a=b: c"]]
    assert found["down"] == ["web/a", "web/b"]


def test_the_same_can_be_asked_in_a_terminal() -> None:
    """POSIX shell's words, split by the standard library."""
    words = shlex.split(command(ASKED))
    assert words[:4] == ["director", "why", "GET", "http://a.example/it's"]
    assert words[4:] == ["-H", "Cookie: a=b: c", "--down", "web/a", "web/b"]


def test_the_decision_is_told_in_its_steps() -> None:
    control = looks.troubled()
    fault, served = (views.trace_view(one, control.snapshot()) for one in control.remembered)
    assert "It would go to web/a" in read(why(ASKED, served, "", looks.ONLOOKER)).text
    assert (
        "The fault path would answer: local 127.0.0.1:8099"
        in read(why(ASKED, fault, "", looks.ONLOOKER)).text
    )
    beside = {**fault, "server": "red", "fault": "active red"}
    assert "images/red" not in why(ASKED, beside, "", looks.ONLOOKER), "the server of another pool"
    for step in served["story"]:
        assert step in read(why(ASKED, served, "", looks.ONLOOKER)).text


def test_a_refusal_and_what_was_typed_stay_text() -> None:
    page = why({**EMPTY, "url": '"><b>'}, None, "<i>", looks.ONLOOKER)
    assert not [name for name, _ in read(page).tags if name == "i"]
    assert next(one["value"] for name, one in read(page).tags if one.get("name") == "url") == '"><b>'
