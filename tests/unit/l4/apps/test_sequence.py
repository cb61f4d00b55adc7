"""G.2 by its own words."""

from __future__ import annotations

from director.l4.apps.sequence import Shift, after


def test_order_modulo_2_32() -> None:
    assert after(1, 0)
    assert after(0, 0xFFFFFFFF)
    assert not after(5, 5)
    assert not after(0xFFFFFFF0, 3)


def test_numbers_after_the_change_move_and_acknowledgements_move_back() -> None:
    shift = Shift()
    assert (shift.forth(100), shift.back(100)) == (100, 100)
    shift.grew(1000, 3)
    assert shift.forth(1000) == 1000
    assert shift.forth(1040) == 1043
    assert shift.back(1043) == 1040
    assert shift.back(1000) == 1000


def test_second_change_remembers_the_first() -> None:
    shift = Shift()
    shift.grew(1000, 3)
    shift.grew(2000, -5)
    assert shift.forth(1500) == 1503
    assert shift.forth(2100) == 2098
    assert shift.back(1503) == 1500
    assert shift.back(2098) == 2100


def test_same_place_again_changes_nothing() -> None:
    shift = Shift()
    shift.grew(1000, 3)
    shift.grew(1000, 3)
    shift.grew(900, 3)
    assert (shift.change, shift.previous) == (3, 0)


def test_numbers_wrap() -> None:
    shift = Shift()
    shift.grew(0xFFFFFFF0, 0x20)
    assert shift.forth(0xFFFFFFF8) == 0x18
    assert shift.back(0x18) == 0xFFFFFFF8
