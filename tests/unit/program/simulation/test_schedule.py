from __future__ import annotations

from director.program.simulation.schedule import PlannedOrder, Schedule, Trouble
from tests.support.simulations import asking, get, post


def test_a_schedule_reads_as_steps_in_the_order_of_time() -> None:
    slow = asking(get(), post(3000, chunked=True), number=3, at=2.0, pause=0.5, cut=1, rest=0.05, slow=0.1)
    plain = asking(get(size=0, framing="close", think=0.1), leaves="abort", after=1.0, pipelined=True)
    schedule = Schedule(
        7,
        (slow, plain),
        (Trouble(1.0, "web/a", "reset", 2.0, 150),),
        (PlannedOrder(1.5, "weight", "web", "b", 5), PlannedOrder(0.5, "undo")),
        (("web", "c"),),
    )
    plain_told = "GET http://www.example.org/ (answer: 0 octets, framed by close, after 0.1s)"
    slow_told = "GET http://www.example.org/ | POST http://www.example.org/ with 3000 octets in chunks"
    slowly = "0.5s between, in pieces of 1, 0.05s between, reads every 0.1s"
    assert list(schedule.steps()) == [
        "without web/c",
        f"  0.000s  client 0 to www: {plain_told}; all at once, resets after 1s",
        "  0.500s  operator: undo",
        "  1.000s  server web/a: reset 150 until 2s",
        "  1.500s  operator: weight web/b 5",
        f"  2.000s  client 3 to www: {slow_told}; {slowly}",
    ]
    assert schedule.requests == 3
