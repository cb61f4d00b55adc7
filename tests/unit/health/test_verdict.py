from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.health.verdict import RESULTS_KEPT, TRANSITIONS_KEPT, Evidence
from director.model.pools import Check
from director.registry.evidence import Result


def fed(evidence: Evidence, marks: str) -> str:
    """Feed `+` and `-` (and `?`), one a second; the state after each as the same signs."""
    shown = ""
    for second, mark in enumerate(marks, start=1):
        evidence.take(Result(float(second), {"+": True, "-": False, "?": None}[mark], mark, 0.01))
        shown += {True: "+", False: "-", None: "?"}[evidence.alive]
    return shown


@pytest.mark.parametrize(
    ("results", "states"),
    [
        ("+", "+"),
        ("-", "-"),
        ("+--", "++-"[:2] + "+"),
        ("+---", "+++-"),
        ("+--+--+", "+++++++"),
        ("-+", "--"),
        ("-++", "--+"),
        ("-+-+-+", "------"),
        ("+---++", "+++--+"),
        ("?", "?"),
        ("?-", "?-"),
        ("+--?-", "++++-"),
    ],
)
def test_rise_two_and_fall_three(results: str, states: str) -> None:
    """The first result decides; then three failures make down, two successes make up; ours never count."""
    assert fed(Evidence(Check("alive", rise=2, fall=3), 0.0), results) == states


@given(st.text("+-", max_size=80), st.integers(1, 4), st.integers(1, 4))
def test_a_state_changes_only_after_a_whole_run(results: str, rise: int, fall: int) -> None:
    """The oracle looks at runs of equal results, not at a counter."""
    states = fed(Evidence(Check("alive", rise=rise, fall=fall), 0.0), results)
    expected = ""
    for end in range(1, len(results) + 1):
        before = expected[-1:] or results[0]
        run = len(results[:end]) - len(results[:end].rstrip(results[end - 1]))
        turned = results[end - 1] != before and run >= (rise if results[end - 1] == "+" else fall)
        expected += results[end - 1] if turned else before
    assert states == expected


def test_a_transition_says_why_and_how_long() -> None:
    evidence = Evidence(Check("alive", fall=2), 0.0)
    evidence.take(Result(1.0, alive=True, reason="connected", duration=0.01))
    assert evidence.take(Result(5.0, alive=False, reason="connect refused", duration=0.0)) is None
    assert (evidence.count, evidence.needed) == (1, 2)
    turned = evidence.take(Result(7.0, alive=False, reason="connect refused", duration=0.0))
    assert turned is not None
    assert (turned.before, turned.alive, turned.reason) == (True, False, "connect refused")
    assert (turned.count, turned.needed, turned.lasted, turned.time) == (2, 2, 6.0, 7.0)
    assert (evidence.since, evidence.count) == (7.0, 0)


@pytest.mark.parametrize(
    ("first", "after", "results", "states"),
    [
        (None, 1, "-", "-"),
        (None, 3, "--+---", "?????-"),
        (None, 2, "+-++", "???+"),
        (True, 1, "--+---", "+++++-"),
        (False, 1, "+-++", "---+"),
    ],
)
def test_what_a_new_server_counts_as(first: bool | None, after: int, results: str, states: str) -> None:
    check = Check("alive", rise=2, fall=3, first=first, after=after)
    assert fed(Evidence(check, 0.0), results) == states


def test_it_is_changing_while_results_speak_against_it() -> None:
    evidence = Evidence(Check("alive", rise=2, fall=3), 0.0)
    seen = [evidence.is_changing]
    for mark in "+--+---+":
        fed(evidence, mark)
        seen.append(evidence.is_changing)
    assert seen == [True, False, True, True, False, True, True, False, True]


def test_evidence_is_bounded() -> None:
    evidence = Evidence(Check("alive", rise=1, fall=1), 0.0)
    fed(evidence, "+-" * 100)
    shown = evidence.snapshot("10.0.0.1:80", 1.5)
    assert (len(shown.results), len(shown.transitions)) == (RESULTS_KEPT, TRANSITIONS_KEPT)
    assert shown.results[-1].time == 200.0
    assert (shown.address, shown.check, shown.alive, shown.next_in) == ("10.0.0.1:80", "alive", False, 1.5)


def test_a_snapshot_is_a_copy() -> None:
    evidence = Evidence(Check("alive"), 0.0)
    before = evidence.snapshot("a", None)
    fed(evidence, "+")
    assert (before.alive, before.results) == (None, ())


CHECK = Check("alive", rise=2, fall=3)


def series(text: str, check: Check = CHECK) -> Evidence:
    """Evidence of `+` and `x`, a second apart, from the second 1 on."""
    made = Evidence(check, 0.0)
    for time, letter in enumerate(text, 1):
        made.take(Result(float(time), letter == "+", letter, 0.1))
    return made


def test_a_change_keeps_the_probes_and_the_failures_that_led_to_it() -> None:
    evidence = series("+x+xx", Check("alive", rise=2, fall=3))
    turned = evidence.take(Result(9.0, False, "status 503", 0.1, (("connect", 0.05),)), ((8.5, "5xx"),))
    assert turned is not None
    assert [one.time for one in turned.probes] == [4.0, 5.0, 9.0]
    assert turned.probes[-1].phases == (("connect", 0.05),)
    assert turned.traffic == ((8.5, "5xx"),)


def test_failures_before_the_last_change_led_to_that_one() -> None:
    evidence = series("+", Check("alive", rise=1, fall=1))
    down = evidence.take(Result(5.0, False, "x", 0.1), ((4.0, "empty"),))
    up = evidence.take(Result(6.0, True, "+", 0.1), ((4.0, "empty"),))
    again = evidence.take(Result(9.0, False, "x", 0.1), ((4.0, "empty"), (8.0, "timeout")))
    assert down is not None
    assert up is not None
    assert again is not None
    assert (down.traffic, up.traffic, again.traffic) == (((4.0, "empty"),), (), ((8.0, "timeout"),))


def test_other_settings_would_have_made_other_changes() -> None:
    """Counted by hand: with fall=2 two changes down and two up; with fall=3 one each; with fall=4 none."""
    evidence = series("++xx+++xxx++", Check("alive", rise=2, fall=3))
    assert [evidence.flaps(2, fall) for fall in (1, 2, 3, 4)] == [4, 4, 2, 0]
    shown = evidence.snapshot("10.0.0.1:80", None)
    assert (shown.settings.flaps, shown.settings.since) == (2, 1.0)
    assert [(one.rise, one.fall, one.flaps) for one in shown.alternatives] == [
        (2, 2, 4), (2, 4, 0), (1, 3, 2), (3, 3, 1),
    ]  # fmt: skip
    assert series("++++").snapshot("10.0.0.1:80", None).alternatives == ()


@given(st.text("+x", min_size=1, max_size=60), st.integers(1, 4), st.integers(1, 4))
def test_what_is_worked_out_is_what_would_have_happened(text: str, rise: int, fall: int) -> None:
    judged = series(text, Check("alive", rise=rise, fall=fall))
    changes = sum(one.before is not None for one in judged.transitions)
    assert judged.flaps(rise, fall) == changes or len(judged.transitions) == judged.transitions.maxlen
    assert series(text).flaps(rise, fall) == judged.flaps(rise, fall)


def test_other_settings_judge_on_and_another_question_begins_anew() -> None:
    evidence = series("+xxx", Check("alive", rise=2, fall=3))
    assert evidence.adopt(Check("alive", rise=1, fall=3, every=9.0))
    assert [evidence.alive] == [False]
    assert evidence.take(Result(9.0, True, "", 0.1)) is not None
    assert not evidence.adopt(Check("alive", "http"))
    assert (evidence.alive, len(evidence.transitions)) == (None, 3)
