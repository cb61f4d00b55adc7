"""Both directions at once: `exchange.py listen PORT SIZE` and `exchange.py connect HOST PORT SIZE`.

Each side sends SIZE bytes of its own (`stream`), reads the other's to the end, and prints the
SHA-256 of what it read.
"""

from __future__ import annotations

import hashlib
import socket
import sys
import threading
from collections.abc import Iterator

PIECE = 1 << 16


def stream(name: str, size: int) -> Iterator[bytes]:
    """`size` bytes that no reordering, loss or mixture leaves the same."""
    for number in range(0, size, PIECE):
        block = hashlib.sha512(f"{name} {number}".encode()).digest() * (PIECE // 64)
        yield block[: size - number]


def digest(name: str, size: int) -> str:
    """What the other side of `name` must print."""
    found = hashlib.sha256()
    for block in stream(name, size):
        found.update(block)
    return found.hexdigest()


def _send(connection: socket.socket, name: str, size: int) -> None:
    for block in stream(name, size):
        connection.sendall(block)
    connection.shutdown(socket.SHUT_WR)


def exchange(connection: socket.socket, name: str, size: int) -> str:
    """Send and read at once; the digest of what was read."""
    thread = threading.Thread(target=_send, args=(connection, name, size))
    thread.start()
    found = hashlib.sha256()
    while block := connection.recv(1 << 18):
        found.update(block)
    thread.join()
    return found.hexdigest()


def main(role: str, *words: str) -> None:
    if role == "listen":
        family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
        dual = family == socket.AF_INET6
        with socket.create_server(("", int(words[0])), family=family, dualstack_ipv6=dual) as server:
            while True:
                connection, _peer = server.accept()
                with connection:
                    sys.stdout.write(exchange(connection, "server", int(words[1])) + "\n")
                    sys.stdout.flush()
    with socket.create_connection((words[0], int(words[1])), timeout=20) as connection:
        sys.stdout.write(exchange(connection, "client", int(words[2])) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
