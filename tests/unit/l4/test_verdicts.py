from __future__ import annotations

from director.l4.verdicts import Batch, Deliver, Drop, batch


def test_one_verdict_stands_for_itself() -> None:
    assert batch([Drop("x")]) == Drop("x")
    assert batch([Deliver(), Drop("x")]) == Batch((Deliver(), Drop("x")))
    assert batch([]) == Batch(())
