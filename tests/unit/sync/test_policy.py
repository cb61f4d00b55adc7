"""When a master tells of what (`lvs-semantics` J.4, rows V75 and V79)."""

from __future__ import annotations

import pytest
from attrs import evolve

from director.sync.policy import NEVER, About, SyncPolicy, Told, decide

ESTABLISHED, SYN_RECV, FIN_WAIT, TIME_WAIT, CLOSE, CLOSE_WAIT, LAST_ACK = 1, 3, 4, 5, 6, 7, 8
TCP = About(6, ESTABLISHED, 900.0)
UDP = About(17, 0, 300.0)


def packets_told(policy: SyncPolicy, about: About, number: int, step: float = 0.0) -> list[int]:
    """The numbers of the packets at which it was told, of `number` packets `step` seconds apart."""
    found, last = [], NEVER
    for packet in range(1, number + 1):
        chosen = decide(policy, about, packet, last, 1000.0 + packet * step)
        if chosen is not None:
            found.append(packet)
            last = chosen
    return found


@pytest.mark.parametrize("about", [TCP, UDP])
def test_established_at_packets_3_53_and_103(about: About) -> None:
    assert packets_told(SyncPolicy(), about, 110) == [3, 53, 103]
    assert packets_told(SyncPolicy(threshold=0, period=10), about, 30) == [10, 20, 30]


def test_without_period_and_refresh_once() -> None:
    assert packets_told(SyncPolicy(threshold=5, period=0), TCP, 200) == [5]


@pytest.mark.parametrize("state", [FIN_WAIT, TIME_WAIT, CLOSE, CLOSE_WAIT])
def test_a_closing_state_at_once_and_once(state: int) -> None:
    closing = evolve(TCP, state=state)
    chosen = decide(SyncPolicy(), closing, 7, Told(ESTABLISHED, 0.0, 0.0), 10.0)
    assert chosen == Told(state, 910.0, 10.0)
    assert decide(SyncPolicy(), closing, 8, chosen, 10.0) is None
    assert decide(SyncPolicy(), closing, 53, chosen, 10.0) is not None, "as any other packet then"


@pytest.mark.parametrize("state", [0, 2, SYN_RECV, LAST_ACK, 9, 10])
def test_other_states_are_not_told(state: int) -> None:
    assert packets_told(SyncPolicy(), evolve(TCP, state=state), 60) == []


@pytest.mark.parametrize(
    ("state", "told"), [(8, True), (9, True), (10, True), (11, True), (13, True), (6, False)]
)
def test_states_of_sctp(state: int, told: bool) -> None:
    assert (decide(SyncPolicy(), About(132, state, 900.0), 3, NEVER, 0.0) is not None) is told


def test_a_template_with_each_packet() -> None:
    template = About(6, 0, 300.0, template=True)
    assert packets_told(SyncPolicy(), template, 5) == [1, 2, 3, 4, 5]
    assert packets_told(SyncPolicy(threshold=3, period=0), template, 5) == [3]


def test_refresh_looks_at_how_far_the_end_moved() -> None:
    """Every packet after 10 s more, where threshold and period play no part (period 0)."""
    policy = SyncPolicy(period=0, refresh=10.0)
    assert packets_told(policy, TCP, 40, step=1.0) == [1, 11, 21, 31]


def test_refresh_is_bounded_by_half_the_time_out_and_by_10_s() -> None:
    policy = SyncPolicy(period=0, refresh=60.0)
    short = evolve(UDP, timeout=30.0)
    assert packets_told(policy, short, 40, step=1.0) == [1, 16, 31], "half of 30 s"
    tiny = evolve(UDP, timeout=6.0)
    assert packets_told(policy, tiny, 25, step=1.0) == [1, 11, 21], "not less than 10 s"


def test_retries_within_a_refresh_period() -> None:
    """Not before an eighth of the period: 2, 4 and so on seconds of 16; twice at most."""
    policy = SyncPolicy(period=0, refresh=16.0, retries=2)
    assert packets_told(policy, TCP, 18, step=1.0)[:3] == [1, 3, 5]
    told = packets_told(policy, TCP, 60, step=1.0)
    assert [one for one in told if one < 21] == [1, 3, 5], "the end that was told last moved with them"
    assert told[3] == 21


def test_refresh_and_period_both_count() -> None:
    policy = SyncPolicy(refresh=10.0)
    assert packets_told(policy, TCP, 110, step=1.0) == [3, 53, 103]


def test_templates_only() -> None:
    policy = SyncPolicy(templates_only=True)
    assert packets_told(policy, evolve(TCP, placed=True), 60) == []
    assert packets_told(policy, TCP, 60) == [3, 53], "what no template placed is told all the same"
    assert packets_told(policy, About(6, 0, 300.0, template=True, placed=False), 2) == [1, 2]
