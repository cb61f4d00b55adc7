"""What is remembered of what clients send is bounded in octets, not only in number."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

import pytest

from director.l7.http.fields import list_elements
from director.l7.http.memo import VALUE_LIMIT, memo
from director.l7.http.target import check_host, host_name
from tests.support.playbook import World, pool


def test_short_values_are_worked_out_once_and_long_ones_each_time() -> None:
    asked: list[bytes] = []

    @memo("lengths_of_this_test", 2)
    def length(value: bytes) -> int:
        """Its length."""
        asked.append(value)
        return len(value)

    short, long = b"x" * VALUE_LIMIT, b"x" * (VALUE_LIMIT + 1)
    assert [length(short), length(short), length(long), length(long)] == [256, 256, 257, 257]
    assert asked == [short, long, long]
    assert length.__doc__ == "Its length."
    length(b"a"), length(b"b"), length(short)
    assert asked[3:] == [b"a", b"b", short]


def grown(act: Callable[[], object]) -> int:
    """Octets that are still held after it."""
    gc.collect()
    tracemalloc.start()
    try:
        act()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("function", [check_host, host_name, list_elements])
def test_long_values_of_clients_are_not_kept(function: Callable[[bytes], object]) -> None:
    # 200 values of 30 kB are 6 MB, and ten times that as elements of a list.
    values = [b"a," * 15_000, b"a" * 30_000][function is not list_elements]
    assert grown(lambda: [function(values + b"%d" % number) for number in range(200)]) < 1 << 20


def test_an_idle_connection_keeps_no_large_head() -> None:
    """Design 9: at most 33 kB for an idle connection, whatever its last request was."""
    world = World(pool("web", "a"))

    def once(number: int) -> None:
        world.call()
        world.tell(f"client GET /{number} HTTP/1.1|Host: h|X: " + "x" * 30_000 + "||")
        world.tell("new")
        world.tell("server HTTP/1.1 200 OK|Content-Length: 0|X: " + "y" * 30_000 + "||")

    once(0)
    assert grown(lambda: once(1)) < 33_000
    assert len(world.records) == 2
