from __future__ import annotations

from director.admin.pages.config import config
from tests.unit.admin.pages import looks

CLEAN = {"problems": [], "diff": [], "refused": ""}
WRONG = {"severity": "error", "text": "a.ini:3:5: error: x\n    pool = <b>\n           ^"}


def test_a_finding_keeps_its_line_and_its_caret() -> None:
    page = config("[director]", {**CLEAN, "problems": [WRONG], "refused": "x"}, looks.ADMIN)
    assert "pool = &lt;b&gt;\n           ^" in page
    assert "A reload would be refused" in page


def test_a_clean_file_says_so_and_a_reload_is_told_before_it_is_done() -> None:
    assert "A reload would change nothing" in config("", CLEAN, looks.ADMIN)
    assert "server b added" in config("", {**CLEAN, "diff": ["server b added"]}, looks.ADMIN)


def test_only_who_administers_can_reload() -> None:
    assert 'value="reload"' in config("", None, looks.ADMIN)
    assert 'value="reload"' not in config("", None, looks.ONLOOKER)
