from __future__ import annotations

from typing import Any

import pytest

from tests.unit.fault.sample_runs import record, sample


@pytest.mark.parametrize(
    ("facts", "answered", "ok"),
    [
        ({}, True, True),
        ({"status": 404}, True, False),
        ({"status": 500}, True, False),
        ({"status": 503, "fault": "page sorry", "outcome": "fault"}, True, False),
        ({"status": 200, "fault": "local 127.0.0.1:80", "outcome": "fault"}, True, True),
        # What the director says when nobody has anything to say is no answer.
        ({"status": 503, "fault": "built-in page", "outcome": "fault"}, False, False),
        ({"status": 504, "outcome": "timeout", "server": "a"}, False, False),
        ({"whole": False, "error": "the answer broke off"}, False, False),
        ({"trace": None}, True, True),
        ({"trace": None, "status": 503}, False, False),
    ],
)
def test_who_was_answered(facts: dict[str, Any], answered: bool, ok: bool) -> None:
    one = sample(1, **facts)
    assert (one.answered, one.ok) == (answered, ok)


def test_who_answered() -> None:
    assert sample(1).server == "web/a"
    assert sample(1).by(["web/b", "web/a"])
    page = sample(1, server="", fault="page sorry", outcome="fault")
    assert (page.server, page.by(["page sorry"]), page.by(["web/a"])) == ("", True, False)
    active = sample(1, server="b", fault="active b", outcome="fault")
    assert (active.by(["active"]), active.by(["web/b"])) == (True, False)


def test_all_that_a_request_went_to() -> None:
    tried = sample(1, tries=[["b", "no answer in time"], ["pool web", "no_server: x"]])
    assert tried.sent_to == {"web/a", "web/b"}
    assert len(tried.tries) == 1
    assert not tried.twice
    assert sample(1, tries=[["b", "status 503"]]).twice
    assert sample(1, surplus=True).twice


def test_windows() -> None:
    made = record(sample(12), sample(32, "heal"), sample(36, "recover"))
    assert [one.number for one in made.within("after")] == [32, 36]
    assert (len(made.within("baseline")), len(made.within("during"))) == (10, 1)
    assert (made.begin_of("during"), made.begin_of("after")) == (1.0, 3.0)
