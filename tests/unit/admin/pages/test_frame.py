from __future__ import annotations

from director.admin.pages.frame import PLACES, bare, page
from tests.unit.admin.pages.looks import ADMIN, BEARER
from tests.unit.admin.pages.test_html import read


def test_each_place_is_reached_from_everywhere_and_the_present_one_is_marked() -> None:
    tags = read(page("Rules", "x", ADMIN, "/rules")).tags
    links = {attributes.get("href"): attributes for name, attributes in tags if name == "a"}
    assert set(links) >= {to for to, _ in PLACES}
    assert [to for to, found in links.items() if "aria-current" in found] == ["/rules"]


def test_a_title_from_outside_stays_text() -> None:
    text = page("</title><script>alert(1)</script>", "<img>", ADMIN, "/")
    assert "<script>alert" not in text
    assert "<img>" not in text


def test_who_has_no_session_cannot_sign_out_and_has_no_token() -> None:
    text = page("Rules", "x", BEARER, "/rules")
    assert "/logout" not in text
    assert 'name="csrf"' not in text


def test_what_is_dear_is_not_fetched_again_by_itself() -> None:
    assert "data-still" not in page("x", "x", ADMIN, "/")
    assert "data-still" in page("x", "x", ADMIN, "/", fresh=False)


def test_a_bare_page_leads_back() -> None:
    assert ("a", {"href": "/"}) in read(bare("Gone", "text")).tags
