"""`grpc = health`: the gRPC Health Checking Protocol, version 1 (`grpc.health.v1.Health/Check`).

One HTTP/2 stream (RFC 9113, with prior knowledge where the pool has no TLS) carries the question, a message
with the name of a service, empty for the server as a whole; alive is who answers SERVING (1) and
`grpc-status: 0`.  A message is a protobuf of one field behind five octets: flags and a length ("gRPC over
HTTP2", Length-Prefixed-Message).  Frames are h2's business.
"""

from __future__ import annotations

import struct

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError

from director.health.probes.base import ANSWER_LIMIT, Judgement, shown
from director.model.pools import Address, Check

PATH = "/grpc.health.v1.Health/Check"
SERVING = 1
STATES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
CODES = {
    "1": "CANCELLED", "2": "UNKNOWN", "4": "DEADLINE_EXCEEDED", "5": "NOT_FOUND", "7": "PERMISSION_DENIED",
    "8": "RESOURCE_EXHAUSTED", "12": "UNIMPLEMENTED", "13": "INTERNAL", "14": "UNAVAILABLE",
    "16": "UNAUTHENTICATED",
}  # fmt: skip
_FRAME = 9
"""Octets of a frame's header; the fourth is its type (RFC 9113 4.1)."""
_SETTINGS = b"\x04"
"""A server's first frame (RFC 9113 3.4): whatever else comes, h2 might wait for 16 MB of it."""
_HEADER = 5
_STATUS_FIELD = 0x08
"""Field 1, a varint."""
_SERVICE_FIELD = 0x0A
"""Field 1, octets."""


def question(service: str) -> bytes:
    """HealthCheckRequest as a message; a name has at most 127 octets, so its length is one."""
    name = service.encode("ascii")
    body = bytes([_SERVICE_FIELD, len(name)]) + name if name else b""
    return struct.pack("!BI", 0, len(body)) + body


def state(message: bytes) -> int | None:
    """The status of a HealthCheckResponse that came whole; None when it is none.

    A field that is zero is not sent: an empty message says UNKNOWN.
    """
    if len(message) < _HEADER:
        return None
    compressed, length = struct.unpack("!BI", message[:_HEADER])
    body = message[_HEADER : _HEADER + length]
    if compressed or len(body) != length:
        return None
    if not body:
        return 0
    return body[1] if len(body) >= 2 and body[0] == _STATUS_FIELD else None


class GrpcProbe:
    """Asks once, and waits for the end of the answer."""

    resets = True

    def __init__(self, check: Check, where: Address) -> None:
        self.judgement: Judgement | None = None
        self.enough = False
        self._check = check
        self._authority = check.host or str(where)
        self._h2 = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self._fields: dict[bytes, bytes] = {}
        self._message = b""
        self._came = 0
        self._first = b""

    def begin(self) -> bytes:
        """Preface, settings and the request."""
        self._h2.initiate_connection()
        fields = [
            (":method", "POST"),
            # A server behind TLS takes either: what it is reached by is not in the message's meaning.
            (":scheme", "http"),
            (":path", PATH),
            (":authority", self._authority),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "director-check"),
        ]
        self._h2.send_headers(1, fields)
        self._h2.send_data(1, question(self._check.service), end_stream=True)
        return self._h2.data_to_send()

    def feed(self, data: bytes) -> bytes:
        """Frames came; returns what HTTP/2 wants said."""
        if self.judgement is not None:
            return b""
        if self._came < _FRAME:
            self._first += data[: _FRAME - self._came]
        self._came += len(data)
        if self._first[3:4] not in {b"", _SETTINGS}:
            self._judge(False, f"it does not speak HTTP/2: {shown(data)}")
            return b""
        try:
            events = self._h2.receive_data(data)
        except ProtocolError as error:
            self._judge(False, f"it does not speak HTTP/2: {error or shown(data)}")
            return b""
        for event in events:
            self._take(event)
        if self.judgement is None and self._came > ANSWER_LIMIT:
            self._judge(False, f"no answer within {ANSWER_LIMIT} octets")
        return self._h2.data_to_send()

    def _take(self, event: Event) -> None:
        if self.judgement is not None:
            return
        if isinstance(event, ResponseReceived | TrailersReceived):
            self._fields.update((bytes(name), bytes(value)) for name, value in event.headers or ())
        elif isinstance(event, DataReceived):
            self._message += event.data or b""
        elif isinstance(event, StreamEnded):
            self._answered()
        elif isinstance(event, StreamReset):
            self._judge(False, f"the stream was reset with error {event.error_code}")
        elif isinstance(event, ConnectionTerminated) and not event.last_stream_id:
            self._judge(False, f"it takes no streams, GOAWAY with error {event.error_code}")

    def _answered(self) -> None:
        http = self._fields.get(b":status", b"").decode("latin-1")
        code = self._fields.get(b"grpc-status", b"").decode("latin-1")
        found = state(self._message)
        if http != "200":
            self._judge(False, f"status {http}, expected 200")
        elif not code:
            self._judge(False, "the answer has no grpc-status")
        elif code != "0":
            said = shown(self._fields.get(b"grpc-message", b""))
            self._judge(False, f"grpc-status {CODES.get(code, code)}: {said}")
        elif found is None:
            self._judge(False, f"no HealthCheckResponse: {shown(self._message)}")
        else:
            self._judge(found == SERVING, STATES.get(found, f"state {found}"))

    def _judge(self, alive: bool, why: str) -> None:
        self.judgement, self.enough = (alive, why), True

    def closed(self) -> Judgement:
        """The server closed without having answered."""
        if self.judgement is None:
            self._judge(False, "an incomplete answer" if self._came else "closed without an answer")
        return self.judgement or (False, "")
