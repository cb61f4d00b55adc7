from __future__ import annotations

from director.health.probes.base import ANSWER_LIMIT
from director.health.probes.script import ScriptProbe
from director.model.pools import ScriptStep


def script(*steps: bytes) -> ScriptProbe:
    """Steps that begin with > are sent, the others are expected."""
    return ScriptProbe(tuple(ScriptStep(step[:1] == b">", step.lstrip(b">")) for step in steps))


def test_steps_are_taken_in_order() -> None:
    probe = script(b"+OK", b">NOOP\r\n", b"+OK", b">QUIT\r\n")
    assert probe.begin() == b""
    assert probe.feed(b"+O") == b""
    assert probe.feed(b"K ready\r\n") == b"NOOP\r\n"
    before = probe.judgement
    assert probe.feed(b"+OK\r\n") == b"QUIT\r\n"
    assert (before, probe.judgement) == (None, (True, "all came that was expected"))


def test_what_was_seen_once_is_not_seen_again() -> None:
    probe = script(b"one", b"one")
    probe.begin()
    probe.feed(b"one")
    assert probe.judgement is None
    probe.feed(b" and one")
    assert probe.judgement is not None


def test_what_is_sent_first_goes_at_once() -> None:
    probe = script(b">a", b">b", b"c", b">d")
    assert probe.begin() == b"ab"
    assert probe.feed(b"abc") == b"d"


def test_a_script_that_only_sends_is_over_with_it() -> None:
    probe = script(b">a")
    assert (probe.begin(), probe.judgement) == (b"a", (True, "all came that was expected"))


def test_who_closes_too_early_is_told_what_was_missing() -> None:
    probe = script(b">a", b"HELLO")
    probe.begin()
    assert probe.closed() == (False, "closed before 'HELLO'")
    other = script(b"HELLO")
    other.feed(b"GO AWAY")
    assert other.closed() == (False, "closed before 'HELLO'; 'GO AWAY' came")


def test_much_that_was_not_expected_is_no_answer() -> None:
    probe = script(b"HELLO")
    probe.feed(b"x" * (ANSWER_LIMIT + 1))
    assert probe.judgement is not None
    assert not probe.judgement[0]
