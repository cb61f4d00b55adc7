from __future__ import annotations

from typing import Any

from director.program.simulation.clients import PlayedClient
from director.program.simulation.loop import SimulatedLoop
from director.program.simulation.schedule import ClientPlan
from director.program.simulation.servers import SERIAL
from director.program.simulation.sockets import Cable
from tests.support.simulations import asking, get, post

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class House:
    """The director's place: it answers by hand."""

    def __init__(self, plan: ClientPlan) -> None:
        self.loop = SimulatedLoop()
        self.doorway = self.loop.network.listen(("127.0.0.1", 80))
        self.gone: list[bool] = []
        self.client = PlayedClient(
            self.loop, plan, ("127.0.0.1", 80), Cable(), lambda: self.gone.append(True)
        )
        self.ends: list[Any] = []

    def go(self, seconds: float = 0.4) -> None:
        self.loop.run(self.loop.seconds() + seconds)
        while self.doorway.readable:
            self.ends.append(self.doorway.accept()[0])

    def read(self) -> bytes:
        self.go()
        return bytes(self.ends[-1].recv(100_000))


def test_one_request_after_the_other() -> None:
    house = House(asking(get(), post(10), pause=1.0))
    assert house.read().startswith(b"GET / HTTP/1.1\r\nHost: www.example.org\r\nX-Sim: c0.0\r\n")
    house.ends[0].send(OK)
    house.go(0.9)
    assert not house.ends[0].held, "it pauses"
    second = house.read()
    assert second.endswith(b"Content-Length: 10\r\n\r\nrequest 0.")
    house.ends[0].send(OK)
    house.go(1.5)
    assert house.gone == [True]
    assert [[answer.status for answer in one.answers] for one in house.client.asked] == [[200], [200]]
    assert house.ends[0].ended


def test_requests_at_once_are_answered_in_order() -> None:
    house = House(asking(get(), get(), pipelined=True))
    assert house.read().count(b"GET /") == 2
    answers = [OK.replace(b"Content", b"%b: %d\r\nContent" % (SERIAL.encode(), number)) for number in (1, 2)]
    house.ends[0].send(b"".join(answers))
    house.go()
    assert [one.answers[0].serial for one in house.client.asked] == ["1", "2"]


def test_what_the_director_cannot_have_seen_is_asked_again() -> None:
    house = House(asking(get(), get(), pause=1.0))
    house.read()
    house.ends[0].send(OK)
    house.loop.run(house.loop.seconds() + 1.0 + 0.0002)
    house.ends[0].close()
    house.go(3.0)
    assert len(house.ends) == 2
    assert house.client.asked[1].unheard == 1
    assert not house.client.asked[1].wrong


def test_a_connection_that_ends_without_an_answer_is_wrong() -> None:
    house = House(asking(get()))
    house.read()
    house.ends[0].close()
    house.go()
    assert house.client.asked[0].wrong == ["no answer: the connection was closed"]
    assert house.gone == [True]


def test_a_broken_answer_says_how() -> None:
    house = House(asking(get()))
    house.read()
    house.ends[0].send(OK[:-1])
    house.ends[0].abort()
    house.go()
    answer = house.client.asked[0].answers[0]
    assert (answer.ended, answer.body) == ("reset", b"o")


def test_more_than_was_asked_for_is_wrong() -> None:
    house = House(asking(get(), get(), pause=1.0))
    house.read()
    house.ends[0].send(OK + OK)
    house.go()
    assert house.client.asked[0].wrong == ["an answer that nobody had asked for"]


def test_what_is_no_answer_is_wrong() -> None:
    house = House(asking(get()))
    house.read()
    house.ends[0].send(b"nonsense\r\n\r\n")
    house.go()
    assert "cannot be read" in house.client.asked[0].wrong[0]


def test_it_leaves_as_planned() -> None:
    ending = House(asking(get(), leaves="end"))
    ending.read()
    assert ending.ends[0].ended
    assert ending.gone == []
    resetting = House(asking(get(), leaves="abort", after=0.2))
    resetting.go()
    assert resetting.ends[0].broken
    assert resetting.client.asked[0].left


def test_it_sends_in_pieces_and_reads_slowly() -> None:
    house = House(asking(get(), cut=10, rest=0.1, slow=0.5))
    house.go(0.15)
    assert 0 < house.ends[0].held < 60
    house.go(2.0)
    house.ends[0].recv(1000)
    house.ends[0].send(OK[:10])
    house.go(0.1)
    house.ends[0].send(OK[10:])
    house.go(0.2)
    assert not house.client.asked[0].answers
    house.go(1.0)
    assert house.client.asked[0].answers


def test_who_is_refused_calls_again() -> None:
    house = House(asking(get()))
    house.doorway.close()
    house.go(1.2)
    house.doorway = house.loop.network.listen(("127.0.0.1", 80))
    house.go(3.0)
    assert len(house.ends) == 1


def test_it_waits_for_a_100_before_its_body() -> None:
    house = House(asking(post(10, expect=True)))
    assert house.read().endswith(b"\r\n\r\n")
    house.ends[0].send(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert house.read() == b"request 0."
    impatient = House(asking(post(10, expect=True)))
    impatient.read()
    impatient.go(1.0)
    assert impatient.ends[0].held == 10


def test_it_may_leave_in_the_midst() -> None:
    half = House(asking(post(1000), leaves="half"))
    assert not half.read().endswith(b"|")
    assert half.ends[0].ended
    assert half.client.asked[0].left
    junk = House(asking(get(), leaves="junk"))
    assert b"HTTP" not in junk.read()


def test_where_a_director_has_stopped_nobody_calls_again() -> None:
    house = House(asking(get()))
    house.doorway.close()
    house.loop.network.closing = True
    house.go()
    assert house.client.asked[0].left
    assert house.gone == [True]
