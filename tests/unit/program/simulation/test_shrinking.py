from __future__ import annotations

from director.program.simulation.schedule import PlannedOrder, Schedule, Trouble
from director.program.simulation.shrinking import TRIES, shrunk
from tests.support.simulations import asking, get, post

LARGE = Schedule(
    7,
    tuple(asking(get(size=1000), post(90_000, chunked=True), number=n, at=0.5, pause=0.5) for n in range(6)),
    tuple(Trouble(0.7, "web/a", kind, 2.0, 10) for kind in ("reset", "status", "refuse")),
    (PlannedOrder(0.1, "drain", "web", "a"), PlannedOrder(0.2, "undo")),
)


def test_what_does_not_matter_goes() -> None:
    def breaks(schedule: Schedule) -> bool:
        kinds = {one.kind for one in schedule.troubles}
        posts = [ask for client in schedule.clients for ask in client.asks if ask.method == "POST"]
        return "status" in kinds and any(ask.upload for ask in posts)

    small = shrunk(LARGE, (("web", "a"), ("web", "b")), breaks)
    assert breaks(small)
    assert (len(small.clients), small.requests, len(small.troubles), small.orders) == (1, 1, 1, ())
    (client,), (trouble,) = small.clients, small.troubles
    assert (client.at, client.pause, trouble.at, trouble.number) == (0.0, 0.0, 0.0, 0.0)
    assert not client.asks[0].chunked
    assert small.absent == (("web", "a"), ("web", "b"))
    assert shrunk(LARGE, (("web", "a"), ("web", "b")), breaks) == small


def test_what_always_breaks_becomes_nothing_and_what_never_does_stays() -> None:
    assert shrunk(LARGE, (), lambda _: True) == Schedule(7)
    assert shrunk(LARGE, (), lambda _: False) == LARGE


def test_it_ends() -> None:
    tried = []

    def breaks(schedule: Schedule) -> bool:
        tried.append(schedule)
        return len(tried) % 2 == 0

    shrunk(LARGE, tuple(("web", str(number)) for number in range(TRIES)), breaks)
    assert len(tried) <= TRIES


def test_a_server_that_an_order_names_stays() -> None:
    small = shrunk(
        LARGE, (("web", "a"),), lambda schedule: bool(schedule.orders[:1] and schedule.orders[0].pool)
    )
    assert small.orders == (PlannedOrder(0.0, "drain", "web", "a"),)
    assert small.absent == ()
