from __future__ import annotations

from director.admin.trends import RECENT, SPACING, History, Totals, Trends, added, totals
from director.registry.counters import RequestFigures
from tests.unit.admin import sample


def test_totals_are_of_final_answers() -> None:
    one = RequestFigures(9, (0, 7, 3, 2, 1, 4), (), (2, 3), 1.5)
    assert added([one, one]) == Totals(answers=34, failed=8, seconds=3.0, timed=10)
    assert added([]).mean is None
    assert added([one]).mean == 0.3


def test_a_counter_that_began_anew_is_never_negative() -> None:
    assert Totals(1, 0, 0.5, 1).since(Totals(5, 2, 3.0, 5)) == Totals(0, 0, 0, 0)


def test_services_and_pools_have_names_of_their_own() -> None:
    found = dict(totals(sample.control().snapshot()))
    assert set(found) == {"l7:www", "l4:dns", "pool web", "pool images", "pool dns"}


def test_samples_are_taken_when_they_are_due() -> None:
    control, trends = sample.control(), Trends()
    live = control.registry.services["l7:www"].requests
    for second in range(0, 200, 2):
        live.responses[2] = second
        trends.sample(control.snapshot(), float(second))
    now = 198.0
    recent = trends.recent("l7:www", Totals(answers=198), now)
    assert RECENT <= recent.answers <= RECENT + SPACING
    assert trends.past("l7:www", now).answers == 198 - recent.answers


def test_what_was_never_seen_counts_from_nothing() -> None:
    assert Trends().recent("pool new", Totals(answers=5), 10.0) == Totals(answers=5)
    assert Trends().past("pool new", 10.0) == Totals()


def test_what_is_noticed_is_dated_until_it_is_gone() -> None:
    trends = Trends()
    assert trends.noticed(["a"], 1.0) == {"a": 1.0}
    assert trends.noticed(["a", "b"], 2.0) == {"a": 1.0, "b": 2.0}
    assert trends.noticed(["b"], 3.0) == {"b": 2.0}
    assert trends.noticed(["a"], 4.0) == {"a": 4.0}


def test_one_pulse_feeds_both() -> None:
    control, history = sample.control(), History()
    for second in range(0, 22, 2):
        control.registry.services["l7:www"].requests.requests += 2
        history.sample(control.snapshot(), float(second))
    assert history.rates.per_second("l7:www") == 1.0
    assert history.trends.past("l7:www", 20.0) == Totals()
