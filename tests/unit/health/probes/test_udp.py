from __future__ import annotations

from director.health.probes.udp import judge
from director.model.conditions import Term


def test_whatever_comes_back_is_an_answer() -> None:
    assert judge(b"pong\x00") == (True, "it answers 'pong?'")
    assert judge(b"") == (True, "it answers ''")


def test_it_may_have_to_say_something() -> None:
    term = Term("answer", "", "^=", ("po",))
    assert judge(b"pong", (term,)) == (True, "it answers 'pong'")
    assert judge(b"ping", (term,)) == (False, "it answers 'ping', but not answer ^= po")
