from __future__ import annotations

import pytest

from director.errors import DirectorError
from director.model.pools import State
from director.registry.changes import Ordered
from director.registry.reload_guard import DEFAULT, ENOUGH, ReloadGuard, Sight, guard, sight
from tests.unit.admin import sample

WELL = Sight(answers=1000, failed=0, servers=4, healthy=4)


@pytest.mark.parametrize(
    ("text", "failing", "health"),
    [
        (DEFAULT, 0.2, 0.5),
        ("5xx > 1%", 0.01, None),
        ("5xx>1.5%", 0.015, None),
        ("healthy < 80%", None, 0.8),
        ("healthy<80%,5xx>5%", 0.05, 0.8),
        ("off", None, None),
    ],
)
def test_bounds_are_read(text: str, failing: float | None, health: float | None) -> None:
    assert guard(text) == ReloadGuard(text, failing, health)


ODD = ["", "5xx", "5xx < 1%", "healthy > 5%", "4xx > 1%", "5xx > 1", "off, off", "5xx > 5%,"]


@pytest.mark.parametrize("text", ODD)
def test_what_is_no_bound_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(DirectorError, match="healthy < 50%"):
        guard(text)


@pytest.mark.parametrize(
    ("before", "begun", "now", "crossed"),
    [
        (WELL, WELL, Sight(1000 + ENOUGH, 10, 4, 4), "50% of the answers"),
        (WELL, WELL, Sight(1000 + ENOUGH - 1, ENOUGH - 1, 4, 4), ""),
        (WELL, WELL, Sight(2000, 150, 4, 4), ""),
        (WELL, WELL, Sight(1000, 0, 4, 1), "1 of 4 checked servers are up"),
        (WELL, WELL, Sight(1000, 0, 4, 2), ""),
        (WELL, WELL, Sight(1000, 0, 1, 1), ""),
        (WELL, WELL, Sight(1000, 0, 0, 0), ""),
        (WELL, Sight(1000, 0, 4, 1), Sight(1000, 0, 4, 1), ""),
        (WELL, Sight(1000, 0, 4, 1), Sight(1000, 0, 4, 0), "0 of 4"),
        (Sight(0, 0, 4, 4), Sight(1000, 300, 4, 4), Sight(2000, 650, 4, 4), ""),
        (Sight(0, 0, 4, 4), Sight(1000, 300, 4, 4), Sight(2000, 1000, 4, 4), "70% of the answers"),
    ],
    ids=[
        "many fail",
        "too few answers",
        "few fail",
        "most are down",
        "half is not less than half",
        "servers were taken out",
        "no server is checked",
        "down as before",
        "more down than before",
        "failing as before",
        "failing twice as much",
    ],
)
def test_what_was_bad_before_is_not_blamed_on_the_reload(
    before: Sight, begun: Sight, now: Sight, crossed: str
) -> None:
    why = guard(DEFAULT).crossed(before, begun, now)
    assert why.startswith(crossed) if crossed else not why
    assert guard("off").crossed(before, begun, now) == ""


def test_a_registry_is_counted() -> None:
    made = sample.control()
    sample.fill(made)
    made.registry.set_health("127.0.0.1:9011", "alive", alive=False, now=200.0)
    assert sight(made.registry) == Sight(17400 + 600 + 300 + 60, 60, 4, 3)
    made.registry.apply((Ordered("images", "i", State.MAINT),), "me", 0.0, 0.0)
    assert sight(made.registry) == Sight(17400 + 600 + 300 + 60, 60, 3, 3)
