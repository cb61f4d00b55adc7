from __future__ import annotations

import re

from director.admin.files import TYPES, load


def test_all_files_are_there_and_small() -> None:
    found = load()
    assert found.keys() == TYPES.keys()
    assert all(0 < len(one.body) < 32_768 for one in found.values())


def test_nothing_is_loaded_from_outside_and_no_text_runs() -> None:
    for name, file in load().items():
        text = file.body.decode().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|@import|url\((?!data:)|\beval\b|innerHTML|new Function", text), name


def test_both_themes_and_the_phone_are_cared_for() -> None:
    css = load()["admin.css"].body.decode()
    assert "prefers-color-scheme: dark" in css
    assert "max-width: 46rem" in css
    assert ":focus-visible" in css
