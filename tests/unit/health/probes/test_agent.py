"""Expected values: HAProxy 2.8's configuration manual, section 5.2, `agent-check`."""

from __future__ import annotations

import pytest

from director.health.probes.agent import LONGEST, AgentProbe
from director.model.pools import Advice, State


def heard(line: bytes) -> AgentProbe:
    probe = AgentProbe()
    assert probe.begin() == b""
    probe.feed(line)
    probe.closed()
    return probe


@pytest.mark.parametrize(
    ("line", "alive", "advice"),
    [
        (b"75%\n", None, Advice(share=75)),
        (b"0%\n", None, Advice(share=0)),
        (b"up\r\n", True, Advice()),
        (b"UP 100%", True, Advice(share=100)),
        (b"down # disk full\n", False, Advice()),
        (b"failed", False, Advice()),
        (b"stopped,50%\n", False, Advice(share=50)),
        (b"drain\tmaxconn:30\n", None, Advice(state=State.DRAIN, max=30)),
        (b"maint\n", None, Advice(state=State.MAINT)),
        (b"ready, up, 100%\n", True, Advice(share=100, state=State.READY)),
    ],
)
def test_an_agent_speaks_haproxys_words(line: bytes, alive: bool | None, advice: Advice) -> None:
    probe = heard(line)
    assert probe.judgement is not None
    assert (probe.judgement[0], probe.advice) == (alive, advice)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"", "it says nothing"),
        (b"# only a remark\n", "it says nothing"),
        (b"up sideways\n", "'sideways' is not understood in 'up sideways'"),
        (b"up down\n", "'down' contradicts what it said before in 'up down'"),
        (b"drain ready\n", "'ready' contradicts what it said before in 'drain ready'"),
        (b"50% 60%\n", "'60%' contradicts what it said before in '50% 60%'"),
        (b"-5%\n", "'-5%' is not understood in '-5%'"),
        (b"99999%\n", "'99999%' is not understood in '99999%'"),
        (b"maxconn:9999999999\n", "'maxconn:9999999999' is not understood in 'maxconn:9999999999'"),
        (b"HTTP/1.1 400 Bad Request\r\n", "'http/1.1' is not understood in 'HTTP/1.1 400 Bad Request'"),
        (b"\x00\xff\n", "'??' is not understood in '??'"),
    ],
)
def test_a_lie_says_nothing(line: bytes, why: str) -> None:
    probe = heard(line)
    assert (probe.judgement, probe.advice) == ((None, why), None)


def test_a_flood_is_left_when_the_line_is_too_long() -> None:
    probe = AgentProbe()
    for _ in range(LONGEST // 16 + 1):
        assert not probe.enough
        probe.feed(b"up up up up up  ")
    assert probe.enough
    assert probe.judgement == (
        None,
        f"it says more than {LONGEST} octets: '{('up up up up up  ' * 3)[:40]}'…",
    )


def test_a_line_comes_in_pieces() -> None:
    probe = AgentProbe()
    probe.feed(b"7")
    assert probe.judgement is None
    probe.feed(b"5%\nmaint\n")
    assert probe.advice == Advice(share=75)
