from __future__ import annotations

import pytest

from director.config.parse.faults import action
from director.config.text.messages import BadValue
from director.model.drills import FaultAction
from tests.unit.config.reading import refuses_at_a_place


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("blackhole", "blackhole", {}),
        ("delay lognormal 200ms 0.5", "delay", {"low": 0.2, "high": 0.2, "sigma": 0.5}),
        ("delay x3", "delay", {"times": 3.0}),
        ("delay x1.5", "delay", {"times": 1.5}),
        ("close after 100", "close", {"size": 100}),
        ("garbage chunk", "garbage", {"word": "chunk"}),
        ("stops_reading", "stops_reading", {"size": 0}),
        ("stops_reading after 64k", "stops_reading", {"size": 65536}),
        ("wrong_length +100", "wrong_length", {"size": 100}),
        ("wrong_length -1k", "wrong_length", {"size": -1024}),
        ("1xx", "1xx", {"size": 103}),
        ("1xx 100", "1xx", {"size": 100}),
        ("late_trailers 5s", "late_trailers", {"low": 5.0, "high": 5.0}),
        ("tls expired", "tls", {"word": "expired"}),
        ("tls stall", "tls", {"word": "stall"}),
        ("dns empty", "dns", {"word": "empty"}),
        ("dns old 192.0.2.7", "dns", {"word": "192.0.2.7"}),
        ("dns old 2001:DB8::1", "dns", {"word": "2001:db8::1"}),
        ("lie up", "lie", {"word": "up"}),
        # As toxiproxy's README has them.
        ("latency 1s jitter 100ms", "delay", {"low": 0.9, "high": 1.1}),
        ("latency 50ms jitter 100ms", "delay", {"low": 0.0, "high": 0.15}),
        ("down", "refuse", {}),
        ("timeout 5s", "hang", {"low": 5.0, "high": 5.0}),
        ("timeout 0", "hang", {}),
        ("reset_peer", "reset", {}),
        ("reset_peer 2s", "reset", {"low": 2.0, "high": 2.0}),
        ("slow_close 1s", "slow_close", {"low": 1.0, "high": 1.0}),
        ("slicer 100 10ms", "slicer", {"size": 100, "low": 0.01, "high": 0.01}),
        ("limit_data 2k", "close", {"size": 2048}),
    ],
)
def test_what_happens(text: str, kind: str, expected: dict[str, object]) -> None:
    found = action(text)
    wanted = FaultAction(kind, text, **expected)  # type: ignore[arg-type]
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))
    assert (found.kind, found.text, found.size, found.sigma, found.times, found.word) == (
        (wanted.kind, wanted.text, wanted.size, wanted.sigma, wanted.times, wanted.word)
    )


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [
        ("delay lognormal", "delay lognormal what", 0),
        ("delay lognormal 200ms", "delay lognormal 200ms what", 0),
        ("delay lognormal 0 1", "nothing would ever come", 16),
        ("delay lognormal 200ms 9", "out of range", 22),
        ("delay lognormal 200ms wide", "not a number", 22),
        ("delay x0", "out of range", 7),
        ("delay x9y", "not a number", 7),
        ("garbage in", "'in' is none of", 8),
        ("close in 5", "'in' is none of", 6),
        ("wrong_length 100", "too much, or too little", 13),
        ("wrong_length +0", "then it is right", 13),
        ("1xx 101", "changes the protocol", 4),
        ("1xx 200", "out of range", 4),
        ("tls", "tls what", 0),
        ("tls old", "'old' is none of", 4),
        ("dns old", "dns old what", 0),
        ("dns old web", "not an address", 8),
        ("dns 192.0.2.1", "'192.0.2.1' is none of", 4),
        ("lie", "lie what", 0),
        ("latency 1s give 1s", "'give' is none of", 11),
        ("slicer 0", "nothing would ever come", 7),
        ("slow_close 2h", "out of range", 11),
        ("blackhole 3s", "unexpected", 10),
    ],
)
def test_mistakes(text: str, what: str, at: int) -> None:
    with pytest.raises(BadValue, match=what) as caught:
        action(text)
    assert caught.value.start == at


def test_only_an_old_address_is_one() -> None:
    found = [action(f"dns {word}").old_address for word in ("empty", "flapping", "old 192.0.2.7")]
    assert found == ["", "", "192.0.2.7"]
    assert action("lie up").old_address == ""


@pytest.mark.parametrize("text", ["", "..", "x", "after", "+", "old", "1 2 3"])
def test_whatever_is_written_is_refused_at_a_place(text: str) -> None:
    for word in ("delay", "slicer", "wrong_length", "tls", "dns", "lie", "latency", "stops_reading"):
        refuses_at_a_place(action, f"{word} {text} !")
