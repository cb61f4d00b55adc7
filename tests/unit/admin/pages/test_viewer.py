from __future__ import annotations

from tests.unit.admin.pages.looks import ADMIN, BEARER, ONLOOKER, OPERATOR


def test_orders_are_for_who_may_and_has_the_token_of_a_session() -> None:
    assert [one.orders for one in (ADMIN, OPERATOR, ONLOOKER, BEARER)] == [True, True, False, False]
    assert [one.rules for one in (ADMIN, OPERATOR, ONLOOKER, BEARER)] == [True, False, False, False]
