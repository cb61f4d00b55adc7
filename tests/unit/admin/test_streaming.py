from __future__ import annotations

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from director.admin.channel import ANSWER_SECONDS, STALL_SECONDS
from director.admin.streaming import HEARTBEAT, PERIOD, STREAMS
from director.registry.reports import LogEvent
from tests.support.sse import said
from tests.unit.admin.wire import TOKEN, Admin

HEAD = f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"


class Reader:
    """One connection that reads the stream; `rest` is what came since it was last asked."""

    def __init__(self, admin: Admin, head: str = HEAD) -> None:
        self.admin = admin
        self.protocol, self.transport = admin.connect()
        self.protocol.dataReceived(head.encode())
        admin.clock.pump([0.01] * 20)

    def rest(self, seconds: float = 2 * PERIOD) -> bytes:
        """Without the framing of chunks, whose sizes stand on lines of their own."""
        self.admin.clock.pump([seconds / 10] * 11)
        data = self.transport.value()
        self.transport.clear()
        lines = data.split(b"\r\n")
        return b"".join(line for line in lines if b":" in line and not line.startswith(b"HTTP"))


@pytest.fixture
def admin() -> Admin:
    return Admin()


def happen(admin: Admin, number: int, text: str = "x") -> None:
    admin.control.happened.insert(0, LogEvent(0.0, "info", text, number))


def test_a_reader_is_told_what_happens_for_as_long_as_it_likes(admin: Admin) -> None:
    reader = Reader(admin)
    head = reader.transport.value()
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"text/event-stream" in head.lower()
    reader.rest()
    happen(admin, 1)
    assert [one.identifier for one in said(reader.rest())] == ["1"]
    reader.rest(2 * ANSWER_SECONDS)
    happen(admin, 2)
    assert [one.identifier for one in said(reader.rest())] == ["2"]
    assert not reader.transport.disconnected


def test_silence_is_broken_so_that_both_ends_notice_the_other(admin: Admin) -> None:
    reader = Reader(admin)
    reader.rest()
    assert b":\n\n" in reader.rest(HEARTBEAT + PERIOD)


def test_who_reads_slowly_finds_the_rest_later_and_who_reads_nothing_is_cut(admin: Admin) -> None:
    reader = Reader(admin)
    reader.rest()
    reader.protocol.pauseProducing()
    happen(admin, 1)
    happen(admin, 2)
    assert reader.rest(STALL_SECONDS / 2) == b""
    reader.protocol.resumeProducing()
    assert [one.identifier for one in said(reader.rest())] == ["1", "2"]
    reader.protocol.pauseProducing()
    reader.rest(STALL_SECONDS + 1)
    assert reader.transport.disconnected
    assert admin.authenticator.counted["connections_cut"] == 1


def test_who_is_signed_out_hears_no_more(admin: Admin) -> None:
    cookie = admin.sign_in()["Cookie"]
    reader = Reader(admin, f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n")
    other = Reader(admin)
    reader.rest()
    admin.authenticator.sessions.clear()
    happen(admin, 1)
    assert said(reader.rest()) == []
    assert [one.identifier for one in said(other.rest())] == ["1"]


def test_of_too_many_the_newcomer_is_refused_until_somebody_goes(admin: Admin) -> None:
    readers = [Reader(admin) for _ in range(STREAMS)]
    refused = Reader(admin).transport.value()
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 5" in refused
    gone(readers[0])
    assert Reader(admin).transport.value().startswith(b"HTTP/1.1 200 ")


def gone(reader: Reader) -> None:
    reader.protocol.connectionLost(Failure(ConnectionDone()))
    reader.admin.clock.pump([PERIOD] * 5)


def test_a_look_at_the_head_ends_at_once(admin: Admin) -> None:
    reply = admin.ask("HEAD", "/api/v1/events", {"Authorization": f"Bearer {TOKEN}"})
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "text/event-stream"


def test_a_reader_that_left_leaves_nothing_behind(admin: Admin) -> None:
    reader = Reader(admin)
    gone(reader)
    assert isinstance(reader.transport, StringTransport)
    assert admin.clock.getDelayedCalls() == []
