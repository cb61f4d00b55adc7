from __future__ import annotations

from director.model import http


def test_a_rule_is_named_as_its_section() -> None:
    assert http.Rule(100, "images", "www").name == "100 images"
    assert http.Rule(100, "", "www").name == "100"
