"""Texts that no other tool reads: documentation, news, examples."""

from __future__ import annotations

import re

from tests.gates.sources import ROOT, shown

FOLDERS = ("docs", "etc", "newsfragments")
MARK = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)
"""What Git leaves around the two sides of a conflict."""


def test_no_text_holds_both_sides_of_a_merge() -> None:
    texts = [*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))]
    kinds = {".md", ".ini", ".html", ".service"}
    found = [shown(path) for path in texts if path.suffix in kinds and MARK.search(path.read_text("utf-8"))]
    assert len(texts) > 20
    assert not found, "resolve the conflict"
