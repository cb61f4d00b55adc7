from __future__ import annotations

from director.admin.pages.refusal import refused
from tests.unit.admin.pages.test_html import read


def test_it_says_why_and_leads_back() -> None:
    found = read(refused(409, "the pool <x> is in use", ["a.ini:1:1: error"]))
    assert "Nothing was changed" in found.text
    assert "the pool <x> is in use" in found.text
    assert "a.ini:1:1: error" in found.text
    assert ("a", {"href": "/"}) in found.tags
