"""A WebSocket of the demo servers that greets with the server's name and echoes (RFC 6455).

Just enough to watch an upgrade pass through the director: frames up to 64 kB, text and
binary echoed, ping answered, close returned.  Anything else ends the connection.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from twisted.internet.protocol import Protocol
from twisted.web.server import NOT_DONE_YET, Request

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x1, 0x2, 0x8, 0x9, 0xA
_ANSWERS = {_TEXT: _TEXT, _BINARY: _BINARY, _CLOSE: _CLOSE, _PING: _PONG}
_MASKED = 0x80


def wanted(request: Request) -> bool:
    """Whether a request asks for a WebSocket."""
    return (request.getHeader(b"upgrade") or b"").lower() == b"websocket" and bool(
        request.getHeader(b"sec-websocket-key")
    )


def proof(key: bytes) -> bytes:
    """`Sec-WebSocket-Accept` for a key (RFC 6455, 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + _MAGIC, usedforsecurity=False).digest())


def frame(opcode: int, payload: bytes) -> bytes:
    """One whole unmasked frame, as servers send them; the payload is below 64 kB (RFC 6455, 5.2)."""
    length = bytes([len(payload)]) if len(payload) < 126 else b"\x7e" + len(payload).to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + payload


def accept(request: Request, name: str) -> int:
    """Answer 101 and take the connection over from twisted.web."""
    channel: Any = request.channel
    transport = channel.transport
    transport.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + proof(request.getHeader(b"sec-websocket-key") or b"") + b"\r\n\r\n"
    )
    channel.setTimeout(None)
    tunnel = EchoTunnel(name)
    channel.upgraded = tunnel
    channel.dataReceived = tunnel.dataReceived
    tunnel.makeConnection(transport)
    return NOT_DONE_YET


class EchoTunnel(Protocol):
    """Greets, then echoes frame by frame."""

    transport: Any = None

    def __init__(self, name: str) -> None:
        self._name = name
        self._held = b""

    def connectionMade(self) -> None:
        """Say who answers."""
        self.transport.write(frame(_TEXT, f"hello from {self._name}".encode()))

    def dataReceived(self, data: bytes) -> None:
        """Octets from the client."""
        self._held += data
        while (found := _first(self._held)) is not None:
            opcode, payload, size = found
            self._held = self._held[size:]
            answer = _ANSWERS.get(opcode)
            if answer is None:
                self.transport.loseConnection()
                return
            self.transport.write(frame(answer, payload))
            if answer == _CLOSE:
                self.transport.loseConnection()
                return


def _first(octets: bytes) -> tuple[int, bytes, int] | None:
    """(opcode, payload, size) of the first whole frame; opcode -1 for one that we do not take."""
    if len(octets) < 2:
        return None
    opcode, length, start = octets[0] & 0x0F, octets[1] & 0x7F, 2
    if not octets[0] & 0x80 or not octets[1] & _MASKED or length == 127:
        return -1, b"", len(octets)
    if length == 126:
        length, start = int.from_bytes(octets[2:4], "big"), 4
    if len(octets) < start + 4 + length:
        return None
    mask, body = octets[start : start + 4], octets[start + 4 : start + 4 + length]
    payload = bytes(octet ^ mask[place % 4] for place, octet in enumerate(body))
    return opcode, payload, start + 4 + length
