from __future__ import annotations

from pathlib import Path

import pytest

from director.cli import catalogue
from tests.support.running import ROOT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A server dies. Nobody\n# notices.\n[director]\n", "A server dies"),
        ("# Two of three servers\n# hang. More.\n", "Two of three servers hang"),
        ("# One dies: nobody\n# listens.\n", "One dies"),
        ("# no end\n[director]\n", "no end"),
        ("[director]\n# late.\n", ""),
        ("", ""),
    ],
)
def test_the_purpose_is_the_first_sentence(text: str, expected: str) -> None:
    assert catalogue.purpose(text) == expected


def test_each_file_says_what_it_rehearses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    head, *rows = catalogue.listing().splitlines()
    assert head == catalogue.HEAD
    files = sorted(path.name for path in (ROOT / "etc" / "drills").glob("*.ini"))
    assert [Path(row.split()[0]).name for row in rows] == files
    assert all(len(row.split()) > 3 and len(row) < 160 for row in rows), rows


def test_without_the_files_there_is_nothing_to_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(catalogue, "folder", lambda: tmp_path)
    assert catalogue.listing() == ""
    monkeypatch.setattr(catalogue, "folder", lambda: None)
    assert catalogue.listing() == ""
