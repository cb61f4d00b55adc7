from __future__ import annotations

from director.admin import pages
from director.admin.pages import login
from director.admin.testing import MemoryControl
from director.admin.views import Json
from tests.unit.admin import sample
from tests.unit.admin.test_html import read


def view(control: MemoryControl) -> Json:
    return sample.screen(control)


def live(shown: Json) -> str:
    return "".join(pages.live(shown, shown["pools"]))


def home(shown: Json, csrf: str) -> str:
    before, behind = pages.home(shown, csrf)
    return before + live(shown) + behind


def test_the_answer_comes_first_and_is_the_title() -> None:
    control = sample.control()
    sample.trouble(control)
    page = home(view(control), "secret")
    assert "<title>Pool images cannot serve · edge-1</title>" in page
    text = read(live(view(control))).text
    assert text.index("Pool images cannot serve") < text.index("Services")
    assert "since 2027-01-15 07:57:50 UTC" in text
    assert "Clients of l7:www get: the answer of server web/a." in text


def test_when_all_is_well_it_says_what_that_means() -> None:
    text = read(live(view(sample.control()))).text
    assert "All is well" in text
    assert "3 addresses listening, 4 of 5 servers take new work" in text


def test_the_page_keeps_to_its_own_policy() -> None:
    control = sample.control()
    sample.fill(control)
    sample.trouble(control)
    for name, attributes in read(home(view(control), "secret")).tags:
        assert "style" not in attributes
        assert not [key for key in attributes if key.startswith("on")]
        assert name != "script" or attributes["src"] == "/static/admin.js"
        for key in ("href", "src", "action"):
            assert (attributes.get(key) or "/")[0] in "/#"


def test_each_control_has_a_name_and_the_page_a_language() -> None:
    reader = read(login("no"))
    assert ("html", {"lang": "en"}) in reader.tags
    assert ("label", {"for": "token"}) in reader.tags
    assert ("p", {"class": "alert", "role": "alert"}) in reader.tags


def test_names_from_outside_stay_text() -> None:
    control = sample.control()
    sample.trouble(control)
    control.remembered[0] = {
        **control.remembered[0],
        "target": "/<script>alert(1)</script>",
        "host": '"><img src=x>',
    }
    page = home(view(control), "secret")
    assert "<script>alert" not in page
    assert "<img" not in page


def test_without_a_session_there_is_no_sign_out() -> None:
    assert "/logout" not in home(view(sample.control()), "")
