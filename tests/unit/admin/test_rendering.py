from __future__ import annotations

from collections.abc import Iterator

from director.admin.economy import CHEAP, SERVES
from director.admin.rendering import RENDERINGS_KEPT, Renderings

DEAR = 2 * CHEAP


class Work:
    """Renders two pieces, each at a cost; counts how often it was asked."""

    def __init__(self, cost: float) -> None:
        self.now = 0.0
        self.spent = 0.0
        self.cost = cost
        self.made = 0
        self.renderings = Renderings(lambda: self.now, lambda: self.spent)

    def __call__(self) -> Iterator[bytes]:
        self.made += 1
        for part in (1, 2):
            self.spent += self.cost
            yield f"{self.made}.{part} ".encode()

    def read(self) -> bytes:
        return b"".join(self.renderings.pieces(self))


def test_what_is_cheap_is_made_for_each() -> None:
    work = Work(CHEAP / 10)
    assert [work.read(), work.read()] == [b"1.1 1.2 ", b"2.1 2.2 "]


def test_what_is_dear_twice_in_turn_serves_for_a_while() -> None:
    work = Work(DEAR)
    assert [work.read() for _ in range(4)] == [b"1.1 1.2 ", *[b"2.1 2.2 "] * 3]
    work.now += SERVES * 2 * DEAR
    assert work.read() == b"3.1 3.2 "


def test_a_pause_of_the_process_makes_nothing_dear() -> None:
    """Only what the processor did counts: else others would read what is seconds old for nothing."""
    work = Work(CHEAP / 10)
    for number in range(1, 4):
        pieces = work.renderings.pieces(work)
        next(pieces)
        work.now += 3.0
        assert b"".join(pieces) == f"{number}.2 ".encode()


def test_readers_share_what_is_being_made() -> None:
    work = Work(DEAR)
    work.read()
    first = work.renderings.pieces(work)
    assert next(first) == b"2.1 "
    second = work.renderings.pieces(work)
    assert b"".join(second) == b"2.1 2.2 "
    assert b"".join(first) == b"2.2 "
    assert work.made == 2


def test_slow_readers_cannot_hold_on_to_any_number() -> None:
    work = Work(DEAR)
    held = []
    for _ in range(3 * RENDERINGS_KEPT):
        pieces = work.renderings.pieces(work)
        next(pieces)
        held.append(pieces)
        work.now += 1000.0
    assert work.made == RENDERINGS_KEPT


def test_one_of_another_version_serves_nobody() -> None:
    """Who has changed something sees it, however dear."""
    work = Work(DEAR)
    for version, made in ((1, 1), (1, 2), (1, 2), (2, 3), (2, 3)):
        found = work.renderings.newest(work, version)
        assert (found.version, b"".join(found)) == (version, f"{made}.1 {made}.2 ".encode())
