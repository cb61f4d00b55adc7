"""The tutorial's screen, with the threshold of B.5: a full server is left until it has emptied."""

from __future__ import annotations

from director.scheduling.test import FirstFit
from tests.unit.scheduling.fakes import Pool, servers


def test_it_fills_one_server_after_the_other() -> None:
    pool = Pool(FirstFit(), servers(1, 1, 1), most=4, least=1)
    assert "".join(pool.connect() for _ in range(13)) == "aaaabbbbcccc-"


def test_it_comes_back_to_the_first_only_when_that_has_emptied() -> None:
    pool = Pool(FirstFit(), servers(1, 1, 1), most=4, least=1)
    for _ in range(4):
        pool.connect()
    for _ in range(3):
        pool.close("a")
        assert pool.connect() == "b"
    pool.close("a")
    assert pool.connect() == "a"


def test_without_a_lower_bound_it_comes_back_below_three_quarters() -> None:
    pool = Pool(FirstFit(), servers(1, 1), most=4, least=0)
    for _ in range(4):
        pool.connect()
    pool.close("a")
    assert pool.connect() == "b"
    pool.close("a")
    assert pool.connect() == "a"
