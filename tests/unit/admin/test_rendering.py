from __future__ import annotations

from collections.abc import Iterator

from director.admin.rendering import DEAR_SECONDS, RENDERINGS_KEPT, SERVES, Renderings


class Work:
    """Renders two pieces, each at a cost; counts how often it was asked."""

    def __init__(self, cost: float) -> None:
        self.now = 0.0
        self.cost = cost
        self.made = 0
        self.renderings = Renderings(lambda: self.now)

    def __call__(self) -> Iterator[bytes]:
        self.made += 1
        for part in (1, 2):
            self.now += self.cost
            yield f"{self.made}.{part} ".encode()

    def read(self) -> bytes:
        return b"".join(self.renderings.pieces(self))


def test_what_is_cheap_is_made_for_each() -> None:
    work = Work(DEAR_SECONDS / 10)
    assert [work.read(), work.read()] == [b"1.1 1.2 ", b"2.1 2.2 "]


def test_what_is_dear_serves_for_a_while() -> None:
    work = Work(DEAR_SECONDS * 5)
    assert [work.read(), work.read()] == [b"1.1 1.2 "] * 2
    work.now += SERVES * DEAR_SECONDS * 10
    assert work.read() == b"2.1 2.2 "


def test_readers_share_what_is_being_made() -> None:
    work = Work(DEAR_SECONDS * 5)
    first = work.renderings.pieces(work)
    assert next(first) == b"1.1 "
    second = work.renderings.pieces(work)
    assert b"".join(second) == b"1.1 1.2 "
    assert b"".join(first) == b"1.2 "
    assert work.made == 1


def test_slow_readers_cannot_hold_on_to_any_number() -> None:
    work = Work(DEAR_SECONDS * 5)
    held = []
    for _ in range(3 * RENDERINGS_KEPT):
        pieces = work.renderings.pieces(work)
        next(pieces)
        held.append(pieces)
        work.now += 1000.0
    assert work.made == RENDERINGS_KEPT
