from __future__ import annotations

from hashlib import blake2b

from director.fault.choice import HitRule, drawn
from director.model.drills import FaultHit


def chosen(hit: FaultHit, count: int, seed: int = 7) -> list[int]:
    choice = HitRule(hit, seed)
    return [number for number in range(1, count + 1) if choice.take()]


def test_counts() -> None:
    assert chosen(FaultHit(), 4) == [1, 2, 3, 4]
    assert chosen(FaultHit(first=2), 5) == [1, 2]
    assert chosen(FaultHit(every=3), 10) == [3, 6, 9]
    assert chosen(FaultHit(every=2, first=5), 10) == [2, 4]
    assert chosen(FaultHit(most=3), 10) == [1, 2, 3]


def test_the_same_seed_hits_the_same_requests() -> None:
    half = FaultHit(share=0.5)
    assert chosen(half, 200) == chosen(half, 200)
    assert chosen(half, 200) != chosen(half, 200, seed=8)
    assert 70 <= len(chosen(half, 200)) <= 130


def test_a_number_decides_in_whatever_order_requests_come() -> None:
    forth, back = HitRule(FaultHit(share=0.5), 7), HitRule(FaultHit(share=0.5), 7)
    numbers = [str(number) for number in range(100)]
    first = {number for number in numbers if forth.take(number)}
    assert first == {number for number in reversed(numbers) if back.take(number)}


def test_a_draw_is_what_blake2b_says() -> None:
    whole = int(blake2b(b"7 12", digest_size=8).hexdigest(), 16)
    assert drawn(7, "12") == whole / 2**64


def test_what_came_by_is_counted() -> None:
    choice = HitRule(FaultHit(most=2), 1)
    for _ in range(5):
        choice.take()
    assert (choice.seen, choice.hits) == (5, 2)
