"""A client that speaks HTTP/2, against h2's own server side."""

from __future__ import annotations

from typing import Any

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes

from director.program.simulation.clients import Asked
from director.program.simulation.loop import SimulatedLoop
from director.program.simulation.messages import body_of
from director.program.simulation.schedule import ClientPlan
from director.program.simulation.sockets import Cable
from director.program.simulation.streams import StreamsClient
from tests.support.simulations import asking, get, post


class House:
    """The director's place: it answers by hand."""

    def __init__(self, plan: ClientPlan) -> None:
        self.loop = SimulatedLoop()
        self.doorway = self.loop.network.listen(("127.0.0.1", 80))
        self.gone: list[bool] = []
        left = lambda: self.gone.append(True)  # noqa: E731
        self.client = StreamsClient(self.loop, plan, ("127.0.0.1", 80), Cable(), left)
        self.events: list[Any] = []
        self.broken = ""
        self._begin()

    def _begin(self) -> None:
        self.end: Any = None
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="latin-1"))
        self.h2.initiate_connection()

    def go(self, seconds: float = 0.3) -> None:
        for _ in range(3):
            self.loop.run(self.loop.seconds() + seconds / 3)
            if self.doorway.readable:
                self._begin()
                self.end = self.doorway.accept()[0]
            if self.end is not None and self.end.held:
                for event in self.h2.receive_data(self.end.recv(1 << 20)):
                    self.events.append(event)
                    if isinstance(event, events.DataReceived):
                        self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self.flush()

    def flush(self) -> None:
        octets = self.h2.data_to_send()
        if self.end is not None and self.end.number != -1 and octets:
            self.end.send(octets)

    def answer(self, stream: int, body: bytes = b"ok", *, end: bool = True) -> None:
        self.h2.send_headers(stream, [(":status", "200"), ("x-serial", f"s{stream}"), ("x-sim", "t")])
        self.h2.send_data(stream, body, end_stream=end)
        self.flush()

    def asked(self) -> list[Asked]:
        return self.client.asked


def test_streams_are_answered_in_any_order() -> None:
    house = House(asking(get(), post(70_000), pipelined=True))
    house.go()
    requests: list[Any] = [event for event in house.events if isinstance(event, events.RequestReceived)]
    assert [dict(one.headers)["x-sim"] for one in requests] == ["c0.0", "c0.1"]
    got = b"".join(event.data for event in house.events if isinstance(event, events.DataReceived))
    house.go()
    got = b"".join(event.data for event in house.events if isinstance(event, events.DataReceived))
    assert got == body_of("request 0.1", 70_000)
    house.answer(3)
    house.answer(1)
    house.go()
    assert [one.answers[0].serial for one in house.asked()] == ["s1", "s3"]
    assert house.gone == [True]


def test_one_after_the_other() -> None:
    house = House(asking(get(), get(), pause=0.5))
    house.go()
    house.answer(1)
    house.go()
    assert not house.asked()[1].tries
    house.go(0.6)
    assert house.asked()[1].tries


def test_what_the_director_did_not_look_at_is_asked_again() -> None:
    house = House(asking(get(), get(), pipelined=True))
    house.go()
    house.h2.close_connection(last_stream_id=1)
    house.flush()
    house.go()
    assert [one.unheard for one in house.asked()] == [0, 1]
    assert not house.asked()[0].over, "it is still answered"
    refused = House(asking(get()))
    refused.go()
    refused.h2.reset_stream(1, ErrorCodes.REFUSED_STREAM)
    refused.flush()
    refused.go()
    assert (refused.asked()[0].unheard, refused.asked()[0].tries) == (1, 2)


def test_a_broken_answer_says_how() -> None:
    house = House(asking(get(), get(), pipelined=True))
    house.go()
    house.answer(1, end=False)
    house.h2.reset_stream(1, ErrorCodes.INTERNAL_ERROR)
    house.flush()
    house.go()
    house.end.abort()
    house.go()
    first, second = house.asked()
    assert (first.answers[0].ended, first.answers[0].body) == ("reset", b"ok")
    assert second.wrong == ["no answer: the connection was reset"]


def test_it_leaves_as_planned() -> None:
    half = House(asking(post(10), leaves="half", after=0.1))
    half.go()
    half.go()
    resets = [event.error_code for event in half.events if isinstance(event, events.StreamReset)]
    assert resets == [ErrorCodes.CANCEL]
    assert half.gone == [True]
    aborting = House(asking(get(), leaves="abort", after=0.1))
    aborting.go()
    assert aborting.asked()[0].left
