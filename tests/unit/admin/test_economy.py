from __future__ import annotations

from director.admin.economy import CHEAP, SERVES, Economy

DEAR = 4 * CHEAP


def test_what_is_dear_twice_in_turn_serves_for_twenty_times_its_cost() -> None:
    """So that making it takes a twentieth of the time at most; once may be somebody else's doing."""
    economy = Economy()
    economy.made(DEAR, 10.0)
    assert not economy.serves(10.0), "it may have paid for the garbage of others"
    economy.made(2 * DEAR, 20.0)
    assert economy.serves(20.0 + DEAR * SERVES - 0.001)
    assert not economy.serves(20.0 + DEAR * SERVES)


def test_what_is_cheap_is_made_for_each() -> None:
    economy = Economy()
    for cost in (DEAR, CHEAP, DEAR, CHEAP):
        economy.made(cost, 10.0)
        assert not economy.serves(10.0)


def test_what_is_not_so_any_more_serves_nobody() -> None:
    economy = Economy()
    for _ in range(2):
        economy.made(DEAR, 10.0)
    economy.forget()
    assert not economy.serves(10.0)
