"""How octets pass from socket to socket: copied through this process, or moved by splice(2).

`python -m tests.bench.relay [--megabytes 2000] [--rounds 5]`: one connection on 127.0.0.1, source, relay and
sink in processes of their own; the ways in turn within each round.  Printed is the relay's processor time for
each GB, its rate, and how many system calls moved a GB.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import resource
import select
import socket
import time
from collections.abc import Callable
from statistics import median

PIPE_OCTETS = 1 << 20
LARGE_READ = 262144
BLOCK = os.urandom(1 << 20)


def copied(source: socket.socket, sink: socket.socket, size: int = LARGE_READ) -> int:
    """A new bytes object for each read, as a `Stream` does; calls that were made."""
    source.setblocking(False)
    calls = 0
    poller = select.epoll()
    poller.register(source, select.EPOLLIN)
    while True:
        poller.poll()
        data = source.recv(size)
        calls += 2
        if not data:
            return calls
        sink.sendall(data)


def copied_into(source: socket.socket, sink: socket.socket, size: int = LARGE_READ) -> int:
    """One buffer that is kept."""
    source.setblocking(False)
    calls = 0
    poller = select.epoll()
    poller.register(source, select.EPOLLIN)
    buffer = memoryview(bytearray(size))
    while True:
        poller.poll()
        got = source.recv_into(buffer)
        calls += 2
        if not got:
            return calls
        sink.sendall(buffer[:got])


def spliced(source: socket.socket, sink: socket.socket, size: int = PIPE_OCTETS) -> int:
    """Through a pipe, without a look at the octets."""
    source.setblocking(False)
    calls = 0
    poller = select.epoll()
    poller.register(source, select.EPOLLIN)
    out, into = os.pipe2(os.O_NONBLOCK)
    fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, size)
    flags = os.SPLICE_F_MOVE | os.SPLICE_F_MORE if hasattr(os, "SPLICE_F_MOVE") else 0
    while True:
        poller.poll()
        got = os.splice(source.fileno(), into, size, flags=flags)
        calls += 1
        if not got:
            return calls
        while got:
            got -= os.splice(out, sink.fileno(), got)
            calls += 1


WAYS: dict[str, Callable[[socket.socket, socket.socket], int]] = {
    "recv 64 kB, send": lambda source, sink: copied(source, sink, 65536),
    "recv 256 kB, send": copied,
    "recv_into 256 kB, send": copied_into,
    "recv_into 1 MB, send": lambda source, sink: copied_into(source, sink, 1 << 20),
    "splice, pipe of 64 kB": lambda source, sink: spliced(source, sink, 65536),
    "splice, pipe of 256 kB": lambda source, sink: spliced(source, sink, LARGE_READ),
    "splice, pipe of 1 MB": spliced,
}


def child(work: Callable[[], None]) -> int:
    """Do something in a process of its own."""
    pid = os.fork()
    if not pid:
        try:
            work()
        finally:
            os._exit(0)
    return pid


def measure(way: Callable[[socket.socket, socket.socket], int], octets: int) -> tuple[float, float, float]:
    """Processor seconds for each GB, GB a second, calls for each GB."""
    listening = socket.create_server(("127.0.0.1", 0))
    behind = socket.create_server(("127.0.0.1", 0))

    def send() -> None:
        with socket.create_connection(listening.getsockname()) as sock:
            for _ in range(octets >> 20):
                sock.sendall(BLOCK)

    def take() -> None:
        sock, _ = behind.accept()
        buffer = bytearray(1 << 20)
        got = total = 0
        while got := sock.recv_into(buffer):
            total += got
        if total != octets:
            print(f"the sink got {total} of {octets} octets")

    taking, sending = child(take), child(send)
    source, _ = listening.accept()
    sink = socket.create_connection(behind.getsockname())
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    calls = way(source, sink)
    after, took = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() - began
    sink.close()
    source.close()
    for pid in (sending, taking):
        os.waitpid(pid, 0)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    gigabytes = octets / 1e9
    return spent / gigabytes, gigabytes / took, calls / gigabytes


def main() -> None:
    """All ways, in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in WAYS}
    for _ in range(options.rounds):
        for name, way in WAYS.items():
            found[name].append(measure(way, options.megabytes << 20))
    print("| way | processor s/GB (least) | GB/s | calls/GB |\n|---|---:|---:|---:|")
    for name, rounds in found.items():
        spent, rate, calls = (list(column) for column in zip(*rounds, strict=True))
        print(
            f"| {name} | {median(spent):.3f} ({min(spent):.3f}) | {median(rate):.2f} | {median(calls):.0f} |"
        )


if __name__ == "__main__":
    main()
