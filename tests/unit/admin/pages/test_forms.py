from __future__ import annotations

import pytest

from director.admin.pages.forms import button, empties, field
from director.admin.pages.html import join
from tests.unit.admin.pages.looks import ADMIN
from tests.unit.admin.pages.test_html import read


def test_a_button_is_a_form_with_the_token_of_its_session() -> None:
    tags = read(button(ADMIN, "Drain", {"do": "state", "value": '"><b>'})).tags
    fields = {found["name"]: found["value"] for name, found in tags if name == "input"}
    assert fields == {"csrf": "secret", "do": "state", "value": '"><b>'}
    assert next(found for name, found in tags if name == "form")["method"] == "post"


def test_a_field_has_a_label_of_its_own() -> None:
    tags = read(join(field("ttl", "for", "60s", "a <hangs>"))).tags
    found = dict(tags)
    assert found["label"]["for"] == found["input"]["id"] == "ttl-a <hangs>"
    assert found["input"]["value"] == "60s"


@pytest.mark.parametrize(
    ("state", "empty", "seconds", "said"),
    [
        ("ready", False, 9.0, ""),
        ("drain", True, None, ""),
        ("drain", False, None, "nothing of it has ended yet"),
        ("drain", False, 41.2, "empty in about 42 s"),
        ("maint", False, 70.0, "empty in about 1:10"),
    ],
)
def test_a_server_that_leaves_says_when_it_will_be_empty(
    state: str, empty: bool, seconds: float | None, said: str
) -> None:
    found = empties({"state": state, "empty": empty, "empties_in": seconds})
    assert read(found or "").text == said
