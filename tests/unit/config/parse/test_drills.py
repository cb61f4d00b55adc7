from __future__ import annotations

import pytest

from director.config.parse import drills
from director.config.text.messages import BadValue
from director.model.drills import DrillStep, DrillTerm, LoadLine
from tests.unit.config.reading import refuses_at_a_place


def test_load() -> None:
    assert drills.load("20/s GET /, 5/s GET /images/a,b.png\n60/m POST http://www.example.org/x") == (
        LoadLine(20.0, "GET", "/"),
        LoadLine(5.0, "GET", "/images/a,b.png"),
        LoadLine(1.0, "POST", "http://www.example.org/x"),
    )


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [
        ("20 GET /", "per what", 0),
        ("20/s GET /, 5/s /a", "expected METHOD URI", 16),
        ("2000/s GET /", "2000 requests a second", 0),
        ("0/s GET /", "0 requests a second", 0),
    ],
)
def test_mistakes_of_load(text: str, what: str, at: int) -> None:
    with pytest.raises(BadValue, match=what) as caught:
        drills.load(text)
    assert caught.value.start == at


def test_steps() -> None:
    assert drills.steps_of(1.5, drills.step("start a hangs, b refuses, drain web/c")) == (
        DrillStep(1.5, "start", ("a hangs", "b refuses")),
        DrillStep(1.5, "drain", ("web/c",)),
    )
    assert drills.step("heal, end") == ((0, "heal", ""), (6, "end", ""))


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [("", "nothing happens", 0), ("begin", "not a step", 0), ("heal, a hangs", "not a step", 6)],
)
def test_mistakes_of_steps(text: str, what: str, at: int) -> None:
    with pytest.raises(BadValue, match=what) as caught:
        drills.step(text)
    assert caught.value.start == at


def test_expectations() -> None:
    found = [term for _, term in drills.expectations(
        "answered >= 99%, by page:sorry or web/c, slowest < 3s, by web/a within 15s, to web/b = 0, twice = 0"
    )]  # fmt: skip
    assert found == [
        DrillTerm("answered >= 99%", "answered", ">=", 0.99),
        DrillTerm("by page:sorry or web/c", "by", "=", 1.0, ("page sorry", "web/c")),
        DrillTerm("slowest < 3s", "slowest", "<", 3.0),
        DrillTerm("by web/a within 15s", "by", "=", 1.0, ("web/a",), 15.0),
        DrillTerm("to web/b = 0", "to", "=", 0.0, ("web/b",)),
        DrillTerm("twice = 0", "twice", "=", 0.0),
    ]


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [
        ("answerd >= 99%", "cannot be expected", 0),
        ("ok >= 99%, answered", "compared with what", 11),
        ("answered >= 99", "not a share", 12),
        ("slowest < 3", "no unit", 10),
        ("twice = many", "not a number", 8),
        ("to web = 0", "to whom", 0),
        ("by", "by whom", 2),
        ("by web/a or nobody", "not a step", 12),
        ("by web/a within 15", "no unit", 16),
        ("", "nothing is expected", 0),
    ],
)
def test_mistakes_of_expectations(text: str, what: str, at: int) -> None:
    with pytest.raises(BadValue, match=what) as caught:
        drills.expectations(text)
    assert caught.value.start == at


def test_reasons_to_halt() -> None:
    assert [term for _, term in drills.halt("untagged 5xx > 1%, slowest > 5s")] == [
        DrillTerm("untagged 5xx > 1%", "5xx", ">", 0.01, untagged=True),
        DrillTerm("slowest > 5s", "slowest", ">", 5.0),
    ]


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [
        ("retries > 2", "ends no drill", 0),
        ("untagged slowest > 2s", "ends no drill", 0),
        ("untagged 5xx > 1", "not a share", 15),
        ("", "no reason", 0),
    ],
)
def test_mistakes_of_reasons_to_halt(text: str, what: str, at: int) -> None:
    with pytest.raises(BadValue, match=what) as caught:
        drills.halt(text)
    assert caught.value.start == at


@pytest.mark.parametrize("text", ["/s", ",", "by or", "x >=", ">= 3", "within", "to /", "untagged", "start"])
def test_whatever_is_written_is_refused_at_a_place(text: str) -> None:
    for reader in (drills.load, drills.step, drills.expectations, drills.halt):
        refuses_at_a_place(reader, text)
