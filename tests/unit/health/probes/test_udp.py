from __future__ import annotations

from director.health.probes.udp import judge


def test_whatever_comes_back_is_an_answer() -> None:
    assert judge(b"pong\x00") == (True, "it answers 'pong?'")
    assert judge(b"") == (True, "it answers ''")
