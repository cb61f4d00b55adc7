"""A server that speaks HTTP/2, by the library h2: it echoes, and misbehaves where it is told to.

In a test: `with H2Origin() as origin:`.  A request for `/echo` gets its body back with its hash behind it
as a trailer, which is how gRPC ends; `/sized?N` gets N octets.  Each connection is a thread with a blocking
socket.
"""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
import threading
from types import TracebackType
from typing import Any, Self

from attrs import define, field
from h2 import events as h2events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import StreamClosedError
from h2.settings import SettingCodes
from hyperframe.frame import GoAwayFrame


@define
class Asked:
    """One request: its fields, its body as far as it came, its trailers."""

    fields: dict[bytes, bytes]
    body: bytearray = field(factory=bytearray)
    trailers: dict[bytes, bytes] = field(factory=dict)
    whole: bool = False


class _Talk:
    """One connection."""

    def __init__(self, origin: H2Origin, client: Any) -> None:
        self.origin = origin
        self.client = client
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self.streams: dict[int, Asked] = {}
        self.left: dict[int, tuple[memoryview, list[tuple[bytes, bytes]]]] = {}
        self.said_goodbye = False

    def run(self) -> None:
        self.h2.initiate_connection()
        self.h2.update_settings(self.origin.settings)
        self.h2.increment_flow_control_window(1 << 20)
        self.flush()
        while data := self.client.recv(65536):
            for event in self.h2.receive_data(data):
                self.take(event)
            self.flush()
            if self.said_goodbye and not self.left and not self.streams:
                return

    def flush(self) -> None:
        if data := self.h2.data_to_send():
            self.client.sendall(data)

    def take(self, event: Any) -> None:
        number = getattr(event, "stream_id", 0)
        if isinstance(event, h2events.RequestReceived):
            self.begun(number, dict(event.headers))
        elif isinstance(event, h2events.DataReceived):
            if number in self.streams:
                self.streams[number].body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, number)
        elif isinstance(event, h2events.TrailersReceived):
            self.streams[number].trailers = dict(event.headers)
        elif isinstance(event, h2events.StreamEnded):
            if number in self.streams:
                self.ended(number)
        elif isinstance(event, h2events.StreamReset):
            self.origin.resets.append((number, int(event.error_code)))
            self.streams.pop(number, None)
            self.left.pop(number, None)
        elif isinstance(event, h2events.WindowUpdated | h2events.RemoteSettingsChanged):
            for one in list(self.left):
                self.pump(one)

    def begun(self, number: int, fields: dict[bytes, bytes]) -> None:
        origin = self.origin
        with origin.lock:
            origin.begun += 1
            refuse = origin.refuse > 0
            origin.refuse -= refuse
            goodbye = bool(origin.goodbye_each) and origin.begun % origin.goodbye_each == 0
        if self.said_goodbye or refuse:
            if refuse:
                self.h2.reset_stream(number, ErrorCodes.REFUSED_STREAM)
            return
        if goodbye:
            # This one was not looked at, and those before it go on (RFC 9113 6.8).
            self.said_goodbye = True
            self.flush()
            self.client.sendall(GoAwayFrame(0, last_stream_id=max(0, number - 2)).serialize())
            return
        self.streams[number] = asked = Asked(fields)
        origin.asked.append(asked)

    def ended(self, number: int) -> None:
        asked = self.streams.pop(number)
        asked.whole = True
        path = asked.fields[b":path"]
        digest = hashlib.sha256(asked.body).hexdigest().encode()
        body = bytes(asked.body)
        if path.startswith(b"/sized?"):
            body = b"0123456789abcdef" * (int(path.partition(b"?")[2]) // 16)
        head = [(b":status", b"200"), (b"content-type", b"application/grpc")]
        with contextlib.suppress(StreamClosedError):
            self.h2.send_headers(number, head)
            self.left[number] = memoryview(body), [(b"grpc-status", b"0"), (b"x-sha256", digest)]
            self.pump(number)

    def pump(self, number: int) -> None:
        body, trailers = self.left[number]
        with contextlib.suppress(StreamClosedError):
            while body and (room := self.h2.local_flow_control_window(number)):
                size = min(room, 16384, len(body))
                self.h2.send_data(number, body[:size].tobytes())
                body = body[size:]
            if body:
                self.left[number] = body, trailers
                return
            self.h2.send_headers(number, trailers, end_stream=True)
        del self.left[number]


class H2Origin:
    """The server.

    Attributes:
        refuse: how many of the next requests get REFUSED_STREAM.
        goodbye_each: with each so-many-th request the connection ends by GOAWAY, and that request is ignored.
        asked: requests that were looked at. resets: (stream, code) that clients broke off.
        connections: how many were accepted.
    """

    def __init__(self, certificate: ssl.SSLContext | None = None, **settings: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._tls = certificate
        self.settings: dict[SettingCodes | int, int] = {
            SettingCodes[name]: value for name, value in settings.items()
        }
        self.port = int(self._listener.getsockname()[1])
        self.address = f"127.0.0.1:{self.port}"
        self.refuse = self.goodbye_each = self.begun = self.connections = 0
        self.asked: list[Asked] = []
        self.resets: list[tuple[int, int]] = []
        self.lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        self._open.add(client)
        with client, contextlib.suppress(OSError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is None:
                _Talk(self, client).run()
                return
            with self._tls.wrap_socket(client, server_side=True) as inside:
                self._open.add(inside)
                _Talk(self, inside).run()

    def __enter__(self) -> Self:
        thread = threading.Thread(target=self._accept, daemon=True)
        self._threads.append(thread)
        thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for client in list(self._open):
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
