from __future__ import annotations

from pathlib import Path

from director.config.schema.reference import markdown
from director.config.schema.tables import KINDS

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "config.md"


def test_the_page_in_docs_is_the_one_of_the_tables() -> None:
    assert PAGE.read_text() == markdown(), "run: make docs-reference"


def test_all_keys_are_on_the_page() -> None:
    text = markdown()
    for kind in KINDS:
        assert f"## `{kind.heading}`\n" in text
        for key in kind.keys:
            assert f"### `{key.name}`\n" in text
