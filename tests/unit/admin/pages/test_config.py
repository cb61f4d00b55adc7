from __future__ import annotations

from attrs import evolve

from director.admin.pages.config import config
from tests.unit.admin.pages import looks
from tests.unit.admin.pages.test_html import read

CLEAN = {"problems": [], "diff": [], "changes": [], "refused": "", "replay": {"replayed": 0}}
WRONG = {"severity": "error", "text": "a.ini:3:5: error: x\n    pool = <b>\n           ^"}


def test_a_finding_keeps_its_line_and_its_caret() -> None:
    page = config("[director]", {**CLEAN, "problems": [WRONG], "refused": "x"}, looks.ADMIN)
    assert "pool = &lt;b&gt;\n           ^" in page
    assert "A reload would be refused" in page


def test_a_clean_file_says_so_and_a_reload_is_told_before_it_is_done() -> None:
    assert "A reload would change nothing" in config("", CLEAN, looks.ADMIN)
    assert "server b added" in config("", {**CLEAN, "diff": ["server b added"]}, looks.ADMIN)


MOVED = {
    "id": "r1",
    "client": "10.0.0.9",
    "method": "GET",
    "host": "a.example",
    "target": "/<x>",
    "before": {"rule": "100 images", "pool": "images", "status": 0, "location": ""},
    "after": {"rule": "", "pool": "", "status": 301, "location": "https://b.example/"},
}


def test_requests_that_would_go_elsewhere_are_told_before_anything_is_done() -> None:
    replay = {"replayed": 1000, "moved_count": 120, "unsure": 3, "moved": [MOVED]}
    found = {**CLEAN, "diff": ["rule 100 removed"], "replay": replay}
    text = read(config("", found, looks.ADMIN)).text
    assert "Of the last 1\u202f000 requests 120 would go elsewhere; 3 depend on fields" in text
    assert "100 images → pool images" in text
    assert "301 https://b.example/" in text
    assert "GET a.example/<x>" in text
    assert "The table is of the first 1." in text
    several = [{**MOVED, "id": f"r{number}", "target": f"/{number}"} for number in range(7)]
    grouped = {**found, "replay": {**replay, "moved_count": 7, "moved": [*several, several[0]]}}
    page = read(config("", grouped, looks.ADMIN))
    assert [tag for tag, _ in page.tags].count("tr") == 2, "a head, and one way that changes"
    assert "and 2 others" in page.text
    none = {**found, "replay": {**replay, "moved_count": 0, "moved": [], "unsure": 0}}
    assert "none would go elsewhere." in read(config("", none, looks.ADMIN)).text


def test_a_reload_is_on_trial_unless_one_says_otherwise() -> None:
    tags = read(config("", None, looks.ADMIN)).tags
    inputs = {found.get("name"): found.get("value") for name, found in tags if name == "input"}
    assert inputs["within"] == "60s"
    assert inputs["guard"] == "5xx > 20%, healthy < 50%"


def test_after_a_look_a_reload_is_for_what_was_looked_at() -> None:
    """Whoever changes something meanwhile is met with 412."""
    viewer = evolve(looks.ADMIN, seen='"5eed-g7"')
    assert "5eed-g7" in config("", CLEAN, viewer)
    assert "5eed-g7" not in config("", None, viewer)
    assert 'value="reload"' not in config("", {**CLEAN, "refused": "x"}, viewer)


def test_only_who_administers_can_reload() -> None:
    assert 'value="reload"' in config("", None, looks.ADMIN)
    assert 'value="reload"' not in config("", None, looks.ONLOOKER)
