from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.errors import StoreError
from director.model.pools import LARGEST_COUNT
from director.store.document import decode, encode
from director.store.overlay import Order, Place

NUMBERS = st.integers(0, LARGEST_COUNT)
ORDERS = st.dictionaries(
    st.tuples(st.text(max_size=8), st.text(max_size=8)),
    st.one_of(
        st.fixed_dictionaries({"weight": NUMBERS}, optional={"state": st.sampled_from(["drain", "maint"])}),
        st.fixed_dictionaries({"max": NUMBERS, "min": NUMBERS}),
    ),
    max_size=5,
)


@given(ORDERS)
def test_what_was_written_is_read(orders: dict[Place, Order]) -> None:
    assert decode(encode(orders)) == orders


def test_the_form_is_as_documented() -> None:
    text = encode({("web", "b"): {"state": "drain"}, ("web", "a"): {"weight": 3, "max": 9}})
    assert json.loads(text) == {
        "format": 1,
        "servers": {"web": {"a": {"max": 9, "weight": 3}, "b": {"state": "drain"}}},
    }
    assert text == encode({("web", "a"): {"max": 9, "weight": 3}, ("web", "b"): {"state": "drain"}})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "format 1"),
        ('{"format": 2, "servers": {}}', "format 1"),
        ('{"format": 1}', "servers is not an object"),
        ('{"format": 1, "servers": {"web": []}}', "web is not an object"),
        ('{"format": 1, "servers": {"web": {"a": 3}}}', "web/a is not an object"),
        ('{"format": 1, "servers": {"web": {"a": {"weight": "3"}}}}', 'weight = "3", which is no order'),
        ('{"format": 1, "servers": {"web": {"a": {"weight": true}}}}', "weight = true"),
        ('{"format": 1, "servers": {"web": {"a": {"weight": -1}}}}', "weight = -1"),
        ('{"format": 1, "servers": {"web": {"a": {"max": 2147483648}}}}', "max = 2147483648"),
        ('{"format": 1, "servers": {"web": {"a": {"state": "ready"}}}}', 'state = "ready"'),
        ('{"format": 1, "servers": {"web": {"a": {"state": ["drain"]}}}}', "state = "),
        ('{"format": 1, "servers": {"web": {"a": {"address": 1}}}}', "address = 1"),
    ],
)
def test_anything_else_is_refused_as_a_whole(text: str, why: str) -> None:
    with pytest.raises(StoreError, match=why.replace("[", r"\[")):
        decode(text)
