from __future__ import annotations

from director.registry.seats import Seats


def test_nobody_gets_in_at_the_limit_and_a_lower_one_holds_for_the_next() -> None:
    seats = Seats()
    assert [seats.take(2) for _ in range(3)] == [True, True, False]
    assert seats.take(0), "no limit"
    assert not seats.take(2)
    seats.move(-2)
    assert (seats.take(2), seats.take(2), seats.taken) == (True, False, 2)
