"""What small talks share: an answer that grows, in whatever pieces, until it says something."""

from __future__ import annotations

from director.health.probes.base import ANSWER_LIMIT, TalkProbe, shown


class Waiting(TalkProbe):
    """Asks, and waits for an exclamation mark."""

    question = b"well?"

    def read(self) -> bytes:
        if self.answer.endswith(b"!"):
            self.judgement = True, "it said so"
            return b"thanks"
        return b""


def test_an_answer_grows_until_it_says_something() -> None:
    probe = Waiting()
    assert (probe.begin(), probe.feed(b"y"), probe.feed(b"es"), probe.judgement) == (b"well?", b"", b"", None)
    assert (probe.feed(b"!"), probe.judgement) == (b"thanks", (True, "it said so"))
    # It said good-bye, so the server may close by itself.
    assert not probe.enough
    assert (probe.feed(b"!"), probe.closed()) == (b"", (True, "it said so"))


def test_an_answer_without_end_is_none() -> None:
    probe = Waiting()
    probe.feed(b"x" * ANSWER_LIMIT)
    assert probe.judgement is None
    probe.feed(b"x")
    assert probe.judgement is not None
    assert probe.judgement[0] is False
    assert probe.enough


def test_a_close_before_an_answer_is_none() -> None:
    probe = Waiting()
    assert probe.closed() == (False, "the connection was closed without an answer")
    other = Waiting()
    other.feed(b"hm")
    assert other.closed() == (False, "the connection was closed without an answer: 'hm'")


def test_hostile_octets_are_shown_harmlessly() -> None:
    assert shown(b"\x1b[31m\nboo" + b"x" * 60) == "'?[31m?boo" + "x" * 31 + "'…"
