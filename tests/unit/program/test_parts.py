"""The life cycle: all parts follow a candidate, or none does."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from director.errors import DirectorError
from director.model.settings import Configuration
from director.program.candidate import Candidate
from director.program.parts import Part, Parts
from tests.support.candidates import candidate

WANTED = candidate(Configuration())


class Written(Part):
    """Writes down what it is asked; `wrong` names the step that it refuses."""

    def __init__(self, name: str, journal: list[str], wrong: str = "") -> None:
        self.name, self.journal, self.wrong = name, journal, wrong
        self.waits: Deferred[None] | None = None

    def _do(self, step: str) -> Deferred[None] | None:
        self.journal.append(f"{step} {self.name}")
        if step == self.wrong:
            raise DirectorError(f"{self.name} will not {step}")
        return self.waits

    def check(self, candidate: Candidate) -> None:
        assert candidate is WANTED
        self._do("check")

    def rehearse(self, candidate: Candidate) -> None:
        self._do("rehearse")

    def prepare(self, candidate: Candidate) -> Deferred[None] | None:
        return self._do("prepare")

    def commit(self, candidate: Candidate) -> Deferred[None] | None:
        return self._do("commit")

    def abandon(self) -> Deferred[None] | None:
        return self._do("abandon")

    def start(self) -> Deferred[None] | None:
        return self._do("start")

    def stop(self, grace: float) -> Deferred[None] | None:
        assert grace == 3.0
        return self._do("stop")


def parts(*wrong: str) -> tuple[Parts, list[Written], list[str]]:
    """Three parts; `wrong` are the steps that the second one refuses."""
    journal: list[str] = []
    three = [Written("a", journal), Written("b", journal, *wrong), Written("c", journal)]
    return Parts(three), three, journal


def test_all_check_then_all_prepare_then_all_commit() -> None:
    whole, _, journal = parts()
    done: list[None] = []
    whole.take(WANTED).addCallback(done.append)
    assert done == [None]
    assert journal == [f"{step} {name}" for step in ("check", "prepare", "commit") for name in "abc"]


@pytest.mark.parametrize(
    ("wrong", "asked"),
    [
        ("check", ["check a", "check b"]),
        ("prepare", [*"abc", "prepare a", "prepare b", "abandon b", "abandon a"]),
        ("commit", [*"abc", *"abc", "commit a", "commit b", "abandon c", "abandon b", "abandon a"]),
    ],
)
def test_what_one_refuses_is_given_up_by_those_who_began(wrong: str, asked: list[str]) -> None:
    whole, _, journal = parts(wrong)
    failures: list[str] = []
    whole.take(WANTED).addErrback(lambda failure: failures.append(failure.getErrorMessage()))
    assert failures == [f"b will not {wrong}"]
    assert [step if " " in wanted else step[-1] for step, wanted in zip(journal, asked, strict=True)] == asked


def test_nobody_commits_before_the_last_is_prepared_and_the_answer_waits_for_all() -> None:
    whole, (_, second, third), journal = parts()
    done: list[None] = []
    second.waits = Deferred()
    whole.take(WANTED).addCallback(done.append)
    assert journal[-1] == "prepare b"
    waited, second.waits, third.waits = second.waits, None, None
    third.waits = Deferred()
    waited.callback(None)
    assert journal[-1] == "prepare c"
    waited, third.waits = third.waits, Deferred()
    waited.callback(None)
    assert journal[-1] == "commit c"
    assert done == []
    third.waits.callback(None)
    assert done == [None]


def test_a_rehearsal_checks_all_and_changes_nothing() -> None:
    whole, _, journal = parts()
    whole.rehearse(WANTED)
    assert journal == [f"{step} {name}" for step in ("check", "rehearse") for name in "abc"]
    whole, _, journal = parts("rehearse")
    with pytest.raises(DirectorError, match="b will not rehearse"):
        whole.rehearse(WANTED)


def test_they_stop_one_after_the_other_in_the_opposite_order() -> None:
    whole, (_, second, _), journal = parts()
    whole.start()
    second.waits = Deferred()
    done: list[None] = []
    whole.stop(3.0).addCallback(done.append)
    assert journal == ["start a", "start b", "start c", "stop c", "stop b"]
    second.waits.callback(None)
    assert journal[-1] == "stop a"
    assert done == [None]


def test_a_part_that_has_nothing_to_do_says_nothing() -> None:
    whole = Parts([Part()])
    assert whole.take(WANTED).called
    assert list(whole.chores()) == []
    assert whole.stop(0.0).called


def test_another_program_goes_on_with_what_they_have() -> None:
    class Sole(Written):
        alone = True

        def bequest(self) -> dict[str, int]:
            return {"c": 7}

        def let_go(self) -> Deferred[None] | None:
            return self._do("let go")

        def go_on(self) -> None:
            self._do("go on")

    journal: list[str] = []
    sole = Sole("c", journal)
    whole = Parts([Written("a", journal), sole, Written("b", journal)])
    assert whole.bequest() == {"c": 7}
    whole.start(alone=False)
    assert journal == ["start a", "start b"]
    whole.start(alone=True)
    assert journal[-1] == "start c"
    sole.waits = Deferred()
    done: list[None] = []
    whole.let_go().addCallback(done.append)
    assert (journal[-1], done) == ("let go c", [])
    sole.waits.callback(None)
    assert done == [None]
    whole.go_on()
    assert journal[-1] == "go on c"
