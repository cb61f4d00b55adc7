"""V57: the table of lblc and lblcr.  Figures from F.2."""

from __future__ import annotations

from director.scheduling.locality import BOUND, LIMIT, Locality, overburdened
from tests.unit.scheduling.fakes import Server

DAY = 24 * 3600.0


def filled(count: int, now: float = 0.0) -> Locality[int]:
    table: Locality[int] = Locality()
    table.tidy(now)
    for number in range(count):
        table.put(str(number), number, now)
    return table


def test_an_unused_entry_goes_after_a_day_at_a_full_check() -> None:
    table = filled(2)
    # A full check is every 30th of the runs made each minute: one at 24 h sharp.
    for minute in range(1, 24 * 60):
        table.tidy(minute * 60.0)
        table.get("1", minute * 60.0)
    assert len(table.entries) == 2
    table.tidy(DAY)
    assert list(table.entries) == ["1"]


def test_a_long_pause_is_made_up_for_at_once() -> None:
    table = filled(3)
    table.tidy(2 * DAY)
    assert not table.entries


def test_the_excess_goes_when_idle_for_six_minutes() -> None:
    table = filled(LIMIT + 300)
    table.tidy(300.0)
    assert len(table.entries) == LIMIT + 300
    table.get("0", 350.0)
    table.tidy(360.0)
    # min((entries - max) * 4/3, max / 2) = 400; the one just used stays.
    assert len(table.entries) == LIMIT - 100
    assert "0" in table.entries


def test_at_most_half_of_the_limit_goes_in_one_run() -> None:
    table = filled(BOUND)
    table.tidy(360.0)
    assert len(table.entries) == BOUND - LIMIT // 2


def test_a_full_table_drops_the_longest_unused_and_counts() -> None:
    table = filled(BOUND)
    table.get("0", 1.0)
    table.put("new", 1, 2.0)
    assert len(table.entries) == BOUND
    assert table.dropped == 1
    assert "0" in table.entries
    assert "1" not in table.entries


def test_a_copy_is_independent() -> None:
    table = filled(1)
    other = table.copy()
    other.put("x", 1, 0.0)
    assert list(table.entries) == ["0"]


def test_overburdened_needs_another_one_with_room() -> None:
    busy = Server("a", 2, active=3)
    assert overburdened(busy, (busy, Server("b", 3, active=1)))
    assert not overburdened(busy, (busy, Server("b", 2, active=1)))
    assert not overburdened(Server("a", 3, active=3), (Server("b", 9),))
