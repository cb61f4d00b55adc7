from __future__ import annotations

from director.admin.pages.forms import button
from tests.unit.admin.pages.looks import ADMIN
from tests.unit.admin.pages.test_html import read


def test_a_button_is_a_form_with_the_token_of_its_session() -> None:
    tags = read(button(ADMIN, "Drain", {"do": "state", "value": '"><b>'})).tags
    fields = {found["name"]: found["value"] for name, found in tags if name == "input"}
    assert fields == {"csrf": "secret", "do": "state", "value": '"><b>'}
    assert next(found for name, found in tags if name == "form")["method"] == "post"
