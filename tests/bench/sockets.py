"""WebSockets for the bench: a server that echoes, and clients who wait for one message to send the next.

`python -m tests.bench.sockets PORT` is the server.  What passes behind the upgrade are octets that no proxy
reads, a hundred for each message.
"""

from __future__ import annotations

import select
import socket
import sys
import time

MESSAGE = b"\x82\x5e" + b"x" * 98
UPGRADE = (
    b"GET /socket HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
READ = 65536


def serve(port: int) -> None:
    """Echo, until a signal comes."""
    listening = socket.create_server(("127.0.0.1", port), backlog=1024)
    poller = select.epoll()
    poller.register(listening, select.EPOLLIN)
    open_sockets: dict[int, socket.socket] = {}
    switched: set[int] = set()
    while True:
        for number, _ in poller.poll():
            if number == listening.fileno():
                sock, _ = listening.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                open_sockets[sock.fileno()] = sock
                poller.register(sock, select.EPOLLIN)
                continue
            sock = open_sockets[number]
            try:
                data = sock.recv(READ)
            except ConnectionError:
                data = b""
            if not data:
                switched.discard(number)
                del open_sockets[number]
                sock.close()
            elif number in switched:
                sock.sendall(data)
            elif b"upgrade: websocket" in data.lower():
                switched.add(number)
                sock.sendall(SWITCHED)
            else:
                sock.sendall(OK)


def upgraded(port: int) -> socket.socket:
    """A connection whose protocol was changed.  Raises ConnectionError when it was not."""
    sock = socket.create_connection(("127.0.0.1", port), 10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(UPGRADE)
    head = b""
    while b"\r\n\r\n" not in head:
        data = sock.recv(READ)
        if not data:
            raise ConnectionError(f"no WebSocket at port {port}: {head!r}")
        head += data
    if b" 101 " not in head:
        raise ConnectionError(f"no WebSocket at port {port}: {head!r}")
    return sock


def echoed(port: int, connections: int, seconds: float) -> int:
    """Messages that came back in so many seconds.  Raises ConnectionError when one breaks off."""
    poller = select.epoll()
    sockets = {sock.fileno(): sock for sock in (upgraded(port) for _ in range(connections))}
    back = dict.fromkeys(sockets, 0)
    total, end = 0, time.monotonic() + seconds
    try:
        for sock in sockets.values():
            poller.register(sock, select.EPOLLIN)
            sock.sendall(MESSAGE)
        while time.monotonic() < end:
            for number, _ in poller.poll(1):
                data = sockets[number].recv(READ)
                if not data:
                    raise ConnectionError("a WebSocket broke off")
                back[number] += len(data)
                if back[number] == len(MESSAGE):
                    back[number] = 0
                    total += 1
                    sockets[number].sendall(MESSAGE)
    finally:
        for sock in sockets.values():
            sock.close()
        poller.close()
    return total


if __name__ == "__main__":
    serve(int(sys.argv[1]))
