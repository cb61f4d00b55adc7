from __future__ import annotations

from typing import Any

import pytest

from director.program.simulation import servers
from director.program.simulation.loop import SimulatedLoop
from director.program.simulation.messages import body_of
from director.program.simulation.schedule import Trouble
from director.program.simulation.servers import TROUBLES, PlayedServer
from director.program.simulation.sockets import Cable

ASK = b"GET / HTTP/1.1\r\nHost: x\r\nX-Sim: c1.0\r\nX-Want: 20;length;0;0\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nX-Sim: c1.0\r\nX-Want: 20;length;0;0\r\nContent-Length: 8\r\n\r\n"
PROBE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Caller:
    """The director's place, without a director."""

    def __init__(self, kind: str = "", number: float = 0.0, at: float = 0.0) -> None:
        self.loop = SimulatedLoop()
        self.loop.network.wires = Cable
        self.server = PlayedServer(self.loop, "web/a")
        self.loop.network.places["10.0.0.1", 80] = self.server
        if kind:
            self.loop.at(at, self.server.begin, Trouble(at, "web/a", kind, at + 100.0, number))
        self.loop.run(at / 2)
        self.end: Any = self.loop.socket(2, 1)
        self.end.connect_ex(("10.0.0.1", 80))
        self.loop.run(at + 0.1)

    def ask(self, octets: bytes, seconds: float = 10.0) -> bytes:
        self.end.send(octets)
        self.loop.run(self.loop.seconds() + seconds)
        got = b""
        try:
            while piece := self.end.recv(1000):
                got += piece
        except OSError as error:
            got += type(error).__name__.encode()
        return got


def test_it_answers_what_a_request_asks_for() -> None:
    caller = Caller()
    got = caller.ask(ASK + ASK)
    assert got.count(b"HTTP/1.1 200") == 2
    assert body_of("web/a#2", 20) in got
    assert [(one.tag, one.answered, one.failed) for one in caller.server.receipts] == [("c1.0", True, "")] * 2
    assert caller.ask(PROBE).endswith(b"ok")
    assert caller.server.probed == 1


@pytest.mark.parametrize(
    ("kind", "number", "ends"),
    [
        ("hang", 0, b"BlockingIOError"),
        ("empty", 0, b""),
        ("reset", 10, b"HTTP/1.1 2ConnectionResetError"),
        ("truncate", 10, b"HTTP/1.1 2"),
        ("garbage", 0, b"\x00\x01 this is no answer\r\n\r\n"),
    ],
)
def test_trouble_with_answers(kind: str, number: float, ends: bytes) -> None:
    caller = Caller(kind, number)
    assert caller.ask(ASK) == ends
    assert [one.failed for one in caller.server.receipts] == [kind]


def test_trouble_that_leaves_an_answer_whole() -> None:
    assert Caller("status", 503).ask(ASK).startswith(b"HTTP/1.1 503 ")
    assert b"wrong" in Caller("surplus").ask(ASK)
    slow = Caller("slow", 5.0)
    assert b"BlockingIOError" in slow.ask(ASK, 4.9)
    drip = Caller("drip", 1)
    assert not drip.ask(ASK, 1.0).endswith(body_of("web/a#1", 20) + b"BlockingIOError")


def test_trouble_with_connections() -> None:
    crashed = Caller("crash", at=1.0)
    assert crashed.end.broken
    assert crashed.server.called() == "refuse"
    left = Caller("leave", at=1.0)
    assert left.end.ended
    idle = Caller("idle", 0.5)
    assert b"HTTP/1.1 200" in idle.ask(ASK, 0.4)
    idle.loop.run(99.0)
    assert idle.end.ended
    assert Caller("sick").ask(PROBE).startswith(b"HTTP/1.1 500 ")
    assert Caller("sick").ask(ASK).startswith(b"HTTP/1.1 200 ")


def test_trouble_with_bodies() -> None:
    deaf = Caller("deaf")
    assert deaf.ask(POST + b"half") == b"BlockingIOError"
    early = Caller("early")
    assert early.ask(POST).startswith(b"HTTP/1.1 200 ")
    assert [one.failed for one in early.server.receipts] == ["early"]


def test_interim_answers() -> None:
    hinted = Caller().ask(ASK.replace(b"length;0;0", b"length;0;2"))
    assert hinted.count(b"HTTP/1.1 103 ") == 2
    expecting = POST.replace(b"Host", b"Expect: 100-continue\r\nHost")
    assert Caller().ask(expecting) == b"HTTP/1.1 100 Continue\r\n\r\nBlockingIOError"


def test_each_kind_has_a_line_of_its_own() -> None:
    text = servers.__doc__ or ""
    assert all(kind in text for kind in TROUBLES)


def test_trouble_ends() -> None:
    caller = Caller()
    caller.server.begin(Trouble(0.0, "web/a", "refuse", 5.0))
    assert caller.server.called() == "refuse"
    caller.loop.run(6.0)
    assert caller.server.called() == "accept"
