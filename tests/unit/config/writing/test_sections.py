"""What is written as keys of a section is, read again, the same thing; what is standard has no line."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.config import objects
from director.config.schema.tables import kind_of
from director.config.writing.sections import WRITERS
from tests.support.written import BASE, CHOICES, OF_LAYER_4, thing

KINDS = {"pools": "pool", "l7": "l7", "l4": "l4", "l4_settings": "l4-settings", "rules": "rule"}


def named(one: Any) -> str:
    return getattr(one, "name", "")


@pytest.mark.parametrize(("field", "kind"), KINDS.items())
@given(data=st.data())
def test_what_is_written_reads_back(field: str, kind: str, data: st.DataObject) -> None:
    made = data.draw(thing(kind))
    assert objects.made(kind, named(made), WRITERS[field].said(made)) == made


@pytest.mark.parametrize(("field", "kind"), KINDS.items())
def test_what_is_standard_has_no_line(field: str, kind: str) -> None:
    required = dict(BASE[kind]) | ({"respond": "404"} if kind == "rule" else {})
    made = objects.made(kind, "100 x" if kind == "rule" else "" if kind == "l4-settings" else "x", required)
    assert WRITERS[field].said(made) == required


@pytest.mark.parametrize("kind", KINDS.values())
def test_the_examples_use_each_key_that_can_be_set(kind: str) -> None:
    """So that a key that a later version adds cannot be forgotten here: it would be lost in an export."""
    known = kind_of("l4", named=False) if kind == "l4-settings" else kind_of(kind, named=True)
    assert known is not None
    used = {key for choice in (*CHOICES[kind], BASE[kind]) for key in choice}
    for key in known.keys:
        group, _, rest = key.name.partition(".")
        grouped = rest.isupper() and any(one.startswith(f"{group}.") for one in used)
        # Sysctls that mean nothing here are read, and nothing is kept of them.
        kept = kind != "l4-settings" or key.name.replace(".", "_") in OF_LAYER_4
        assert key.name in used or grouped or not kept, key.name


def test_titles_are_those_of_the_ini() -> None:
    titles = {
        field: WRITERS[field].title(objects.made(kind, "7 x" if kind == "rule" else "x", _base(kind)))
        for field, kind in KINDS.items()
        if kind != "l4-settings"
    }
    assert titles == {"pools": "pool:x", "l7": "l7:x", "l4": "l4:x", "rules": "rule:7 x"}


def _base(kind: str) -> dict[str, str]:
    return dict(BASE[kind]) | ({"respond": "404"} if kind == "rule" else {})
