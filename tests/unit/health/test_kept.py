from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from director.health.kept import MANY, STALE, Chronicle, Recollection
from director.health.schedule import CheckTarget, Key
from director.health.verdict import Evidence
from director.model.pools import Address, Advice, Check, State
from director.registry.evidence import Result

CHECK = Check("alive", rise=2, fall=3)
TARGET = CheckTarget(Address("10.0.0.1", 80), CHECK)
EPOCH = 1_800_000_000.0
"""Wall-clock time less monotonic seconds in the first run; in the second the machine was started anew."""
NEW_EPOCH = EPOCH + 500.0


def evidence() -> Evidence:
    """Up, then three failures, of which the last is of the second 12."""
    made = Evidence(CHECK, 0.0)
    for time, alive in ((1.0, True), (10.0, False), (11.0, False), (12.0, False)):
        phases = (("connect", 0.1),) if alive else ()
        made.take(Result(time, alive, "status 503", 0.25, phases, 17, "'HTTP'"), ((9.5, "connect"),))
    made.advice = Advice(50, State.DRAIN)
    return made


def whole(known: dict[Key, Evidence]) -> bytes:
    """What is kept at an end, in the second 12."""
    return Chronicle.everything(known, EPOCH, 12.0)


def recalled(content: bytes, now: float = 20.0 - 500.0, target: CheckTarget = TARGET) -> Evidence | None:
    return Recollection(content, NEW_EPOCH, now).recall(target)


def test_a_restart_knows_who_was_down_and_why() -> None:
    before = evidence()
    after = recalled(whole({TARGET.key: before}))
    assert after is not None
    assert (after.alive, after.advice, after.flaps(2, 3)) == (False, before.advice, 1)
    assert after.since == before.since - 500.0, "the same moment on another monotonic clock"
    last, was = after.transitions[-1], before.transitions[-1]
    assert (last.reason, last.count, last.lasted, len(last.probes)) == ("status 503", 3, was.lasted, 3)
    assert last.traffic == ((9.5 - 500.0, "connect"),)
    assert [evolve(one, time=one.time + 500.0) for one in after.results] == list(before.results)
    assert after.take(Result(21.0 - 500.0, True, "status 200", 0.1)) is None
    assert after.take(Result(22.0 - 500.0, True, "status 200", 0.1)) is not None


def test_another_question_and_an_old_file_bring_the_history_alone() -> None:
    content = whole({TARGET.key: evidence()})
    other = recalled(content, target=evolve(TARGET, check=evolve(CHECK, kind="http")))
    old = recalled(content, now=12.0 - 500.0 + STALE + 1.0)
    for found in (other, old):
        assert found is not None
        assert (found.alive, len(found.transitions), found.advice) == (None, 2, Advice())
    slower = recalled(content, target=evolve(TARGET, check=evolve(CHECK, every=9.0, fall=9)))
    assert slower is not None
    assert slower.alive is False, "it is the same question"


def test_what_was_known_is_told_once_and_of_this_target_alone() -> None:
    memory = Recollection(whole({TARGET.key: evidence()}), NEW_EPOCH, -480.0)
    assert memory.recall(evolve(TARGET, address=Address("10.0.0.2", 80))) is None
    assert memory.recall(TARGET) is not None
    assert memory.recall(TARGET) is None


def test_of_very_many_those_are_kept_of_which_there_is_something_to_say() -> None:
    quiet = {(f"10.0.{n // 250}.{n % 250}:80", "alive"): Evidence(CHECK, 0.0) for n in range(MANY + 1)}
    everything = {**quiet, TARGET.key: evidence()}
    content = whole(everything)
    assert content.count(b'"address"') == 1
    assert recalled(content) is not None


def test_while_it_runs_verdicts_are_kept_and_written_anew_when_they_change() -> None:
    chronicle, known = Chronicle(), {TARGET.key: evidence(), ("10.0.0.2:80", "alive"): Evidence(CHECK, 0.0)}
    first = chronicle.verdicts(known, EPOCH, 12.0)
    assert first.count(b'"address"') == 1
    found = recalled(first)
    assert found is not None
    assert (found.alive, len(found.transitions), list(found.results)) == (False, 2, [])
    known[TARGET.key].take(Result(13.0, False, "still", 0.1))
    assert chronicle.verdicts(known, EPOCH, 12.0) == first, "a result alone costs nothing"
    for time in (14.0, 15.0):
        known[TARGET.key].take(Result(time, True, "back", 0.1))
    last = recalled(chronicle.verdicts(known, EPOCH, 15.0))
    assert last is not None
    assert (last.alive, last.transitions[-1].reason) == (True, "back")


@given(st.binary(max_size=60) | st.sampled_from([b"{}", b'{"format": 1}', b'{"format": 1, "checks": [1]}']))
def test_a_file_that_is_none_is_nothing(content: bytes) -> None:
    assert recalled(content) is None


def test_a_row_that_is_none_is_nothing() -> None:
    for row in ("{}", '{"results": 1}', '{"results": [[1]], "transitions": [], "runs": []}'):
        head = '{"format": 1, "time": 0, "checks": [{"address": "10.0.0.1:80", "check": "alive", '
        text = f"{head}{row[1:-1]}}}]}}"
        assert recalled(text.replace(", }", "}").encode()) is None
