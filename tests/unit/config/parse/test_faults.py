from __future__ import annotations

import pytest

from director.config.parse import faults
from director.config.text.messages import BadValue
from director.model.drills import FaultAction, FaultHit
from tests.unit.config.reading import refuses_at_a_place


def test_servers() -> None:
    assert faults.servers("web/a, pool dns  web/b") == (
        (0, ("web", "a")),
        (12, ("dns", "")),
        (17, ("web", "b")),
    )


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [
        ("web", "not a server", 0),
        ("web/a, b", "not a server", 7),
        ("pool", "pool what", 4),
        ("web/a web/a", "named twice", 6),
        ("", "the list is empty", 0),
    ],
)
def test_mistakes_of_servers(text: str, what: str, at: int) -> None:
    with pytest.raises(BadValue, match=what) as caught:
        faults.servers(text)
    assert caught.value.start == at


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("refuse", {}),
        ("hang", {}),
        ("reset", {}),
        ("reset after 2k", {"size": 2048}),
        ("delay 200ms", {"low": 0.2, "high": 0.2}),
        ("delay 200ms..400ms", {"low": 0.2, "high": 0.4}),
        ("status 503", {"size": 503}),
        ("status 429 retry_after 5s", {"size": 429, "retry_after": 5.0}),
        ("truncate 100", {"size": 100}),
        ("garbage", {}),
        ("close", {}),
        ("drip 100/s", {"rate": 100.0}),
        ("bandwidth 10k", {"rate": 10240}),
        ("bandwidth 10k/s", {"rate": 10240}),
        ("drop", {}),
        ("drop 10%", {"share": 0.1}),
        ("corrupt 0.5%", {"share": 0.005}),
        ("rst", {}),
        ("unreachable", {}),
        ("mtu_hole 1300", {"size": 1300}),
    ],
)
def test_what_happens(text: str, expected: dict[str, float]) -> None:
    assert faults.action(text) == FaultAction(text.split(maxsplit=1)[0], text, **expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [
        ("explode", "'explode' is none of", 0),
        ("hang 3s", "unexpected", 5),
        ("delay", "delay what", 0),
        ("delay 200", "no unit", 6),
        ("delay 400ms..200ms", "runs backwards", 6),
        ("delay 200ms..4", "no unit", 13),
        ("delay 2h", "out of range", 6),
        ("reset at 5", "'at' is none of", 6),
        ("reset after", "reset after what", 0),
        ("status 700", "not a status", 7),
        ("status 503 in 5s", "'in' is none of", 11),
        ("drip 0/s", "nothing would ever come", 5),
        ("bandwidth 0", "nothing would ever come", 10),
        ("drop 200%", "not a share", 5),
    ],
)
def test_mistakes_of_what_happens(text: str, what: str, at: int) -> None:
    with pytest.raises(BadValue, match=what) as caught:
        faults.action(text)
    assert caught.value.start == at


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("share 50% max 200", FaultHit(share=0.5, most=200, text="share 50% max 200")),
        ("first 2", FaultHit(first=2, text="first 2")),
        ("every 3rd, max 5", FaultHit(every=3, most=5, text="every 3rd max 5")),
    ],
)
def test_who_is_hit(text: str, expected: FaultHit) -> None:
    assert faults.hit(text) == expected


def test_a_share_is_not_above_what_was_written() -> None:
    assert faults.share("99.9%") <= 999 / 1000


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [
        ("half", "'half' is none of", 0),
        ("share", "share what", 0),
        ("share 50", "not a share", 6),
        ("max 0", "out of range", 4),
        ("max 3 max 4", "given twice", 6),
    ],
)
def test_mistakes_of_who_is_hit(text: str, what: str, at: int) -> None:
    with pytest.raises(BadValue, match=what) as caught:
        faults.hit(text)
    assert caught.value.start == at


@pytest.mark.parametrize("text", ["", "delay ..", "status x retry_after", "pool ,", "share %", "drop -1%"])
def test_whatever_is_written_is_refused_at_a_place(text: str) -> None:
    for reader in (faults.action, faults.servers, faults.hit, faults.share):
        refuses_at_a_place(reader, text)
