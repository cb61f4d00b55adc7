"""Which packets of which flows are hit: by number, and again with the same seed."""

from __future__ import annotations

import pytest

from director.config.parse.expressions import parse_condition
from director.config.parse.faults import action
from director.fault.packets import FlowFate, knows, of_packets
from director.model.conditions import Condition
from director.model.drills import Fault, RunningFault

TCP, UDP, SCTP = 6, 17, 132


def running(do: str, seed: int = 7) -> RunningFault:
    return RunningFault(Fault("x", (("web", "a"),), action(do)), seed, 0.0, 10.0)


def condition(text: str) -> Condition:
    return parse_condition(text)


@pytest.mark.parametrize(
    ("do", "when", "can"),
    [
        ("drop", None, True),
        ("delay 10ms", None, True),
        ("delay 10ms", "client in 10.0.0.0/8", True),
        ("delay 10ms", "client in 10.0.0.0/8 and header X-Drill = yes", False),
        ("refuse", None, False),
    ],
)
def test_what_can_happen_to_packets(do: str, when: str | None, can: bool) -> None:
    asked = None if when is None else condition(when)
    assert of_packets(Fault("x", (("web", "a"),), action(do), asked)) is can


def test_a_datagram_knows_no_reset() -> None:
    assert [knows(running("rst").fault, protocol) for protocol in (TCP, UDP, SCTP)] == [True, False, True]
    assert knows(running("unreachable").fault, UDP)


def hit(fate: FlowFate, count: int, *, outward: bool = False) -> list[bool]:
    return [bool(fate.next(100, outward=outward)) for _ in range(count)]


def test_without_a_share_every_packet_of_both_directions() -> None:
    fate = FlowFate(running("drop"), 1)
    assert all(hit(fate, 5) + hit(fate, 5, outward=True))


@pytest.mark.parametrize("do", ["delay 10ms", "unreachable"])
def test_only_on_the_way_to_the_server(do: str) -> None:
    fate = FlowFate(running(do), 1)
    assert all(hit(fate, 3))
    assert not any(hit(fate, 3, outward=True))


def test_a_share_hits_so_many_and_the_same_again() -> None:
    first = hit(FlowFate(running("drop 25%"), 1), 2000)
    assert 400 < sum(first) < 600
    assert hit(FlowFate(running("drop 25%"), 1), 2000) == first
    assert hit(FlowFate(running("drop 25%", seed=8), 1), 2000) != first
    assert hit(FlowFate(running("drop 25%"), 2), 2000) != first


def test_what_comes_the_other_way_moves_nothing() -> None:
    alone = hit(FlowFate(running("drop 50%"), 1), 50)
    fate = FlowFate(running("drop 50%"), 1)
    mixed = []
    for _ in range(50):
        fate.next(100, outward=True)
        mixed += hit(fate, 1)
    assert mixed == alone


def test_a_hole_swallows_what_is_larger_than_it_lets_through() -> None:
    fate = FlowFate(running("mtu_hole 1300"), 1)
    met = [
        bool(fate.next(length, outward=outward)) for length in (40, 1300, 1301) for outward in (False, True)
    ]
    assert met == [False, False, False, False, True, True]
