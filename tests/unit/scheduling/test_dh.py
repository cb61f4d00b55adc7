"""V54."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from director.scheduling.dh import DestinationHash
from tests.unit.scheduling.fakes import KEY, Key, many, servers, started


def test_buckets_are_dealt_in_turn_and_weights_do_not_matter() -> None:
    pool = servers(1, 9, 1)
    dh = started(DestinationHash, pool)
    # hash32 of 1, 2, 3 to eight bits is 0x61, 0xC3, 0x25 (97, 195, 37): modulo three servers 1, 0, 1.
    chosen = [dh.choose(pool, Key(virtual_number=number), 0.0) for number in (0, 1, 2, 3)]
    assert chosen == [pool[0], pool[1], pool[0], pool[1]]


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_one_destination_has_one_server_whoever_asks(virtual: int, client: int) -> None:
    pool = many(7)
    dh = started(DestinationHash, pool)
    first = dh.choose(pool, Key(0, virtual_number=virtual), 0.0)
    assert dh.choose(pool, Key(client, 99, virtual_number=virtual), 5.0) is first
    # None, and nobody else, as long as that server is not eligible.
    rest = tuple(server for server in pool if server is not first)
    assert dh.choose(rest, Key(0, virtual_number=virtual), 0.0) is None
    # A change of weight does not move it.
    pool[0].weight = 5
    dh.server_updated(pool[0])
    assert dh.choose(pool, Key(0, virtual_number=virtual), 0.0) is first


def test_it_is_dealt_again_when_servers_come_and_go() -> None:
    a, b = pool = servers(1, 1)
    dh = started(DestinationHash, (a,))
    keys = [Key(virtual_number=number) for number in range(64)]
    assert {dh.choose((a,), key, 0.0) for key in keys} == {a}
    dh.server_added(b)
    assert {dh.choose(pool, key, 0.0) for key in keys} == {a, b}
    dh.server_removed(a)
    assert {dh.choose((b,), key, 0.0) for key in keys} == {b}
    dh.server_removed(b)
    assert dh.choose((b,), KEY, 0.0) is None


def test_every_server_of_a_large_pool_has_a_bucket() -> None:
    pool = many(300)
    dh = started(DestinationHash, pool)
    assert {dh.choose(pool, Key(virtual_number=number), 0.0) for number in range(20000)} == set(pool)
