from __future__ import annotations

from director.admin import views
from director.admin.pages.rules import rules
from tests.unit.admin.pages import looks
from tests.unit.admin.pages.test_html import read


def test_a_rule_is_shown_as_it_is_written() -> None:
    context = looks.api(looks.troubled()).context()
    found = [views.rule_view(one, context) for one in context.seen.configuration.rules]
    text = read(rules(found, looks.ADMIN)).text
    for one in found:
        assert str(one["number"]) in text
        assert one["when"] in text
        assert one["action"] in text


def test_a_rule_that_never_matched_or_never_can_says_so() -> None:
    context = looks.api(looks.troubled()).context()
    found = [views.rule_view(one, context) for one in context.seen.configuration.rules]
    text = read(rules(found, looks.ADMIN, {"200 old": "rule 100 images"})).text
    assert text.count("never matched") == 1, "rule 100 has caught five"
    hit = read(rules(found, looks.ADMIN, hit={"100 images": 3.4, "200 old": 9.0})).text
    assert "last 3 s ago" in hit
    assert "9 s ago" not in hit, "what never matched has no last time"
    assert "never can: rule 100 images takes all of it" in text


def test_without_rules_it_says_what_happens() -> None:
    assert "every request goes to the pool of its service" in rules([], looks.ADMIN)
