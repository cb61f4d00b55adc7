"""What descriptions are made of: an object has the keys that it names, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from director.admin.shapes import COUNT, TEXT, at_least, each, maybe, perhaps, rows, thing, words
from tests.support.schemas import misfits

POINT = thing(x=COUNT, y=COUNT)


@pytest.mark.parametrize(
    ("value", "schema", "fits"),
    [
        ({"x": 1, "y": 2}, POINT, True),
        ({"x": 1}, POINT, False),
        ({"x": 1, "y": 2, "z": 3}, POINT, False),
        ({"x": 1, "y": 2, "z": 3}, at_least(POINT), True),
        ({"x": 1, "y": 2}, perhaps(POINT, z=TEXT), True),
        ({"x": 1, "y": 2, "z": "a"}, perhaps(POINT, z=TEXT), True),
        ({"x": 1, "y": 2, "z": 3}, perhaps(POINT, z=TEXT), False),
        ({"x": 1, "y": 2, "name": "a"}, thing(POINT, name=TEXT), True),
        ({"x": 1, "y": 2, "name": "a", "z": "b"}, thing(perhaps(POINT, z=TEXT), name=TEXT), True),
        ({"x": 1, "y": 2}, thing(POINT, name=TEXT), False),
        ("on", words("on", "off"), True),
        ("of", words("on", "off"), False),
        (None, maybe(TEXT), True),
        (1, maybe(TEXT), False),
        ([1, 2], rows(COUNT), True),
        ([1, -2], rows(COUNT), False),
        ({"any": 1}, each(COUNT), True),
        ({"any": "1"}, each(COUNT), False),
    ],
)
def test_what_fits(value: Any, schema: dict[str, Any], fits: bool) -> None:
    assert (list(misfits(value, schema, {})) == []) is fits
