from __future__ import annotations

from pathlib import Path

from director.program.simulation.drawing import KINDS, places
from director.program.simulation.orders import VERBS
from director.program.simulation.servers import TROUBLES
from tests.support.simulations import fuzzer


def test_a_seed_draws_one_schedule_and_another_seed_another(tmp_path: Path) -> None:
    one = fuzzer(tmp_path)
    assert one.draw(7) == one.draw(7)
    assert len({one.draw(seed) for seed in range(20)}) == 20


def test_all_that_may_happen_is_drawn_some_time(tmp_path: Path) -> None:
    one = fuzzer(tmp_path)
    drawn = [one.draw(seed) for seed in range(400)]
    assert (
        {trouble.kind for schedule in drawn for trouble in schedule.troubles} == set(TROUBLES) == set(KINDS)
    )
    assert {order.verb for schedule in drawn for order in schedule.orders} == set(VERBS)
    clients = [client for schedule in drawn for client in schedule.clients]
    assert {client.leaves for client in clients} == {"", "abort", "end", "half", "junk"}
    assert any(client.pipelined for client in clients)
    assert any(client.alike and len(client.asks) > 1 for client in clients)
    asks = [ask for client in clients for ask in client.asks]
    assert any(client.speaks == "h2" for client in clients)
    assert any(ask.expect for ask in asks)
    assert any(ask.once for ask in asks)
    assert any(ask.hints for ask in asks)
    assert {ask.method for ask in asks} == {"GET", "HEAD", "POST", "PUT", "DELETE"}
    assert {ask.target for ask in asks} == {"/", "/small/", "/gone"}


def test_what_is_asked_for_follows_rules_and_tests(tmp_path: Path) -> None:
    one = fuzzer(tmp_path)
    assert places(one.written, one.written, "www") == [
        ("www.example.org", "/"),
        ("www.example.org", "/small/"),
        ("www.example.org", "/gone"),
    ]
