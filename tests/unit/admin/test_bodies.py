from __future__ import annotations

from director.admin import bodies
from director.admin.accounts import ROLES
from director.model.pools import Forward


def test_what_an_order_may_hold_is_named_and_nothing_else() -> None:
    for schema in (bodies.SERVER_ORDER, bodies.QUESTION, bodies.NEW_TOKEN):
        assert schema["additionalProperties"] is False


def test_words_are_those_of_the_model() -> None:
    assert bodies.SERVER_ORDER["properties"]["forward"]["enum"] == [one.value for one in Forward]
    assert bodies.NEW_TOKEN["properties"]["role"]["enum"] == list(ROLES)
