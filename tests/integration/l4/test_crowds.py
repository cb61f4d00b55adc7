"""Many clients at once through the real director: their flows are kept, its memory is bounded."""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from director.demo.netns import inside
from tests.integration.l4 import crowd
from tests.integration.l4.bed import REAL, VIP, Bed, Process, wait_for

FLOWS = 50_000
SYNS = 60_000
URL = f"http://{VIP}:8080/"
MEGABYTE = 1 << 20
PATIENCE = 10.0
"""Seconds without any packet, after which the missing ones are lost."""


def resident(process: Process) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * 4096


@contextlib.contextmanager
def listening(bed: Bed, *ports: int) -> Iterator[list[socket.socket]]:
    """UDP sockets of the server with room for a burst."""
    with contextlib.ExitStack() as stack:
        made = []
        for port in ports:
            with inside(bed.server):
                one = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            one.setsockopt(socket.SOL_SOCKET, 33, 64 * MEGABYTE)
            one.bind((REAL, port))
            one.setblocking(False)
            made.append(one)
        yield made


def arrived(sockets: list[socket.socket], seen: dict[tuple[str, int], int]) -> int:
    """Read what came: which client to which socket.  A client that moved fails the test."""
    count = 0
    for which, one in enumerate(sockets):
        with contextlib.suppress(BlockingIOError):
            while True:
                data, sender = one.recvfrom(64)
                source, port = crowd.ends(int.from_bytes(data, "big"))
                assert sender == (socket.inet_ntoa(source), port)
                assert seen.setdefault(sender, which) == which, f"{sender} was sent to another server"
                count += 1
    return count


def arrived_all(sockets: list[socket.socket], seen: dict[tuple[str, int], int], count: int) -> int:
    """Read until `count` came, or nothing more comes; how many did."""
    total = arrived(sockets, seen)
    while total < count and select.select(sockets, [], [], PATIENCE)[0]:
        total += arrived(sockets, seen)
    return total


@pytest.mark.slow
def test_fifty_thousand_flows_stay_with_their_servers(bed: Bed) -> None:
    """The second round comes in the opposite order: a flow that was forgotten would change servers."""
    process, said = bed.start(protocols="udp", reals=f"{REAL}:8080,{REAL}:8081")
    assert said["troubles"] == {}
    before = resident(process)
    seen: dict[tuple[str, int], int] = {}
    many = crowd.Crowd(bed)
    with contextlib.closing(many), listening(bed, 8080, 8081) as sockets:
        # Only 64 packets may wait for the server's link-layer address: let one ask for it first.
        list(many.send([crowd.datagram(0)]))
        wait_for(lambda: arrived(sockets, seen))
        for order in (range(FLOWS), reversed(range(FLOWS))):
            total = 0
            for gone in many.send(crowd.datagram(number) for number in order):
                # The next batch when this one is there: so few packets are under way at any time that every
                # queue between has room for all of them, however late a busy machine lets somebody run.
                total += arrived_all(sockets, seen, gone - total)
            assert total == FLOWS
    assert list(seen.values()).count(0) == FLOWS // 2
    assert resident(process) - before < 150 * MEGABYTE
    counters = bed.stop(process)
    assert counters["d0_dropped_ring_full"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("defence", ["drop_entry=0", "drop_entry=3"])
def test_a_flood_of_syns_costs_a_bounded_table_and_no_client(bed: Bed, defence: str) -> None:
    bed.serve()
    process, said = bed.start("nat", "max_flows=4096", defence)
    assert said["troubles"] == {}
    assert wait_for(lambda: bed.get(URL)) == "hello"
    before = resident(process)
    many = crowd.Crowd(bed, rate=12_000)
    with contextlib.closing(many):
        progress = many.send(crowd.syn(number) for number in range(SYNS))
        answers = [bed.get(URL) for gone in progress if gone % 5000 == 0]
    assert answers == ["hello"] * len(answers)
    assert len(answers) >= 12
    assert resident(process) - before < 40 * MEGABYTE
    assert bed.get(URL) == "hello"
    bed.stop(process)
