from __future__ import annotations

from director.l4.verdicts import Batch, Deliver, Drop, Later, batch


def test_one_verdict_stands_for_itself() -> None:
    assert batch([Drop("x")]) == Drop("x")
    assert batch([Deliver(), Drop("x")]) == Batch((Deliver(), Drop("x")))
    assert batch([]) == Batch(())


def test_what_is_done_later_is_done_once() -> None:
    later = Later(0.1, Drop("x"))
    assert later.waits
    assert later.take() == Drop("x")
    assert (later.waits, later.take()) == (False, None)
