from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from director.admin.pages.html import HOLE, Html, around, el, join


class Reader(HTMLParser):
    """The standard library's parser, as the second opinion."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    return reader


printable = st.text(st.characters(categories=("L", "M", "N", "P", "S", "Z")))


@given(printable, printable)
def test_text_and_attributes_never_become_markup(text: str, value: str) -> None:
    found = read(el("p", {"title": value}, text))
    assert found.tags == [("p", {"title": value})]
    assert found.text == text


def test_children_attributes_and_void_elements() -> None:
    assert el("br") == "<br>"
    assert el(
        "p", {"hidden": True, "id": None, "class": False, "x": 1}, "a", None, ["b", el("i", None, 3)]
    ) == ('<p hidden x="1">ab<i>3</i></p>')


def test_markup_is_not_escaped_twice() -> None:
    assert join([Html("<b>"), "<b>"]) == "<b>&lt;b&gt;"


def test_an_element_around_what_is_made_later() -> None:
    """Text of others cannot be taken for the hole."""
    before, behind = around(el("p", {"title": "<!-- later -->"}, "<!-- later -->", el("b", None, HOLE)))
    assert before.endswith("&lt;!-- later --&gt;<b>")
    assert behind == "</b></p>"
