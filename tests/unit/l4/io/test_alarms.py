from __future__ import annotations

from director.l4.io.alarms import NEWS, AlarmChange, Troubles


def test_a_trouble_is_news_when_it_begins_and_when_it_is_over() -> None:
    now = [10.0]
    troubles = Troubles(lambda: now[0])
    troubles["d0"] = "d0 is down"
    troubles["d0"] = "d0 is down"
    assert troubles == {"d0": "d0 is down"}
    assert troubles.news() == ([AlarmChange("d0 is down")], 0)
    now[0] = 14.0
    troubles.over("d0")
    troubles.over("d0")
    assert troubles == {}
    assert troubles.news() == ([AlarmChange("d0 is down", 4.0)], 0)
    assert troubles.news() == ([], 0)


def test_a_trouble_that_becomes_another_lasts_since_the_first() -> None:
    now = [0.0]
    troubles = Troubles(lambda: now[0])
    troubles["d0"] = "d0 is down"
    now[0] = 2.0
    troubles["d0"] = "d0 does not exist"
    assert troubles.since() == {"d0 does not exist": 0.0}
    now[0] = 3.0
    troubles.over("d0")
    assert troubles.news() == (
        [AlarmChange("d0 is down"), AlarmChange("d0 does not exist"), AlarmChange("d0 does not exist", 3.0)],
        0,
    )


def test_what_has_only_not_happened_yet_is_no_news_unless_it_gets_worse() -> None:
    troubles = Troubles(lambda: 0.0)
    troubles.setdefault("capture", "not captured yet")
    troubles.over("capture")
    assert troubles.news() == ([], 0)
    troubles.setdefault("capture", "not captured yet")
    troubles["capture"] = "refused"
    assert troubles.news() == ([AlarmChange("refused")], 0)


def test_news_that_nobody_asks_for_are_counted_and_not_kept() -> None:
    troubles = Troubles(lambda: 0.0)
    for number in range(NEWS + 3):
        troubles[str(number)] = f"no route to {number}"
    found, unkept = troubles.news()
    assert (len(found), unkept) == (NEWS, 3)
    assert len(troubles) == NEWS + 3
