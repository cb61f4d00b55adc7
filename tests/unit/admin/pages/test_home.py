from __future__ import annotations

from director.admin.pages import home as pages
from director.admin.pages.viewer import Viewer
from director.admin.testing import MemoryControl
from director.admin.views import Json
from tests.unit.admin import sample
from tests.unit.admin.pages.test_html import read

VIEWER = Viewer("edge-1", "secret", "ops", operates=True, administers=True)


def view(control: MemoryControl) -> Json:
    return sample.screen(control)


def live(shown: Json) -> str:
    return "".join(pages.live(shown, shown["pools"]))


def home(shown: Json, viewer: Viewer) -> str:
    before, behind = pages.home(shown, viewer)
    return before + live(shown) + behind


def test_the_answer_comes_first_and_is_the_title() -> None:
    control = sample.control()
    sample.trouble(control)
    page = home(view(control), VIEWER)
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
    for name, attributes in read(home(view(control), VIEWER)).tags:
        assert "style" not in attributes
        assert not [key for key in attributes if key.startswith("on")]
        assert name != "script" or attributes["src"] == "/static/admin.js"
        for key in ("href", "src", "action"):
            assert (attributes.get(key) or "/")[0] in "/#"


def test_names_from_outside_stay_text() -> None:
    control = sample.control()
    sample.trouble(control)
    control.remembered[0] = {
        **control.remembered[0],
        "target": "/<script>alert(1)</script>",
        "host": '"><img src=x>',
    }
    page = home(view(control), VIEWER)
    assert "<script>alert" not in page
    assert "<img" not in page


def test_a_pool_in_which_nothing_is_wrong_is_a_line_until_it_is_opened() -> None:
    control = sample.control()
    sample.trouble(control)
    tags = read(live(view(control))).tags
    folds = [(one["data-fold"], "open" in one) for _, one in tags if "data-fold" in one]
    assert folds == [("open", True), ("open", True), ("calm", False)], (
        "web drains, images is down, dns is well"
    )


def test_certificates_are_there_when_there_are_any() -> None:
    found = view(sample.control())
    assert "Certificates" not in live(found)
    several = [{"name": "shop", "left": -5}, {"name": "<b>", "left": 90 * 86400}]
    text = read(live({**found, "certificates": several})).text
    assert "shophas ended" in text
    assert "<b>90 d" in text


def test_without_a_session_there_is_no_sign_out() -> None:
    assert "/logout" not in home(view(sample.control()), Viewer("edge-1"))
