from __future__ import annotations

from director.admin.pages.sign_in import login
from tests.unit.admin.pages.test_html import read


def test_each_control_has_a_name_and_the_page_a_language() -> None:
    reader = read(login("no"))
    assert ("html", {"lang": "en"}) in reader.tags
    assert ("label", {"for": "token"}) in reader.tags
    assert ("p", {"class": "alert", "role": "alert"}) in reader.tags
