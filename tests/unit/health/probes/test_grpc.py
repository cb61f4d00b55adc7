"""The other end is h2's own server side; messages are as protobuf's encoder writes them."""

from __future__ import annotations

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived

from director.health.probes.grpc import GrpcProbe, question, state
from director.model.pools import Address, Check

CHECK = Check("c", "grpc")
WHERE = Address("10.0.0.1", 50051)
SERVING = b"\0\0\0\0\x02\x08\x01"


class Server:
    """A server's side of the connection."""

    def __init__(self, probe: GrpcProbe) -> None:
        self.probe = probe
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.fields: dict[str, str] = {}
        self.message = b""
        for event in self.h2.receive_data(probe.begin()):
            if isinstance(event, RequestReceived):
                self.fields = {str(name): str(value) for name, value in event.headers}
            elif isinstance(event, DataReceived):
                self.message += event.data

    def say(self) -> None:
        self.probe.feed(self.h2.data_to_send())

    def answer(self, message: bytes = SERVING, code: str = "0", status: str = "200") -> None:
        self.h2.send_headers(1, [(":status", status), ("content-type", "application/grpc")])
        if message:
            self.h2.send_data(1, message)
        self.h2.send_headers(1, [("grpc-status", code), ("grpc-message", "so it is")], end_stream=True)
        self.say()


def test_the_question_is_one_that_grpc_servers_read() -> None:
    server = Server(GrpcProbe(Check("c", "grpc", service="shop.v1.Cart"), WHERE))
    assert server.fields[":path"] == "/grpc.health.v1.Health/Check"
    assert server.fields[":method"] == "POST"
    assert server.fields[":authority"] == "10.0.0.1:50051"
    assert (server.fields["te"], server.fields["content-type"]) == ("trailers", "application/grpc")
    # Field 1, wire type 2, twelve octets.
    assert server.message == b"\0\0\0\0\x0e\x0a\x0cshop.v1.Cart"
    assert question("") == b"\0\0\0\0\0"


@pytest.mark.parametrize(
    ("message", "code", "status", "judgement"),
    [
        (SERVING, "0", "200", (True, "SERVING")),
        (b"\0\0\0\0\x02\x08\x02", "0", "200", (False, "NOT_SERVING")),
        # protobuf leaves out what is zero.
        (b"\0\0\0\0\0", "0", "200", (False, "UNKNOWN")),
        (b"", "5", "200", (False, "grpc-status NOT_FOUND: 'so it is'")),
        (b"", "12", "200", (False, "grpc-status UNIMPLEMENTED: 'so it is'")),
        (b"", "0", "200", (False, "no HealthCheckResponse: ''")),
        (b"\1\0\0\0\x02\x08\x01", "0", "200", (False, "no HealthCheckResponse: '?????????'")),
        (b"", "0", "503", (False, "status 503, expected 200")),
    ],
)
def test_alive_is_who_serves(message: bytes, code: str, status: str, judgement: tuple[bool, str]) -> None:
    probe = GrpcProbe(CHECK, WHERE)
    Server(probe).answer(message, code, status)
    assert probe.judgement is not None
    assert probe.judgement[0] is judgement[0]
    if message[:1] != b"\1":
        assert probe.judgement == judgement
    assert probe.enough


def test_what_is_no_http2_is_dead() -> None:
    probe = GrpcProbe(CHECK, WHERE)
    probe.begin()
    probe.feed(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    assert probe.judgement is not None
    alive, why = probe.judgement
    assert alive is False
    assert why.startswith("it does not speak HTTP/2")


def test_a_stream_or_a_connection_may_be_refused() -> None:
    probe = GrpcProbe(CHECK, WHERE)
    server = Server(probe)
    server.h2.reset_stream(1, error_code=7)
    server.say()
    assert probe.judgement is not None
    assert probe.judgement[0] is False
    probe = GrpcProbe(CHECK, WHERE)
    server = Server(probe)
    server.h2.close_connection(last_stream_id=0)
    server.say()
    assert probe.judgement is not None
    assert probe.judgement[0] is False


def test_half_an_answer_is_none() -> None:
    probe = GrpcProbe(CHECK, WHERE)
    server = Server(probe)
    server.h2.send_headers(1, [(":status", "200")])
    server.say()
    assert probe.closed() == (False, "an incomplete answer")
    assert GrpcProbe(CHECK, WHERE).closed() == (False, "closed without an answer")


def test_a_message_that_is_too_short_is_none() -> None:
    assert state(b"\0\0\0") is None
    assert state(b"\0\0\0\0\x05\x08") is None
    assert state(b"\0\0\0\0\x02\x10\x01") is None
