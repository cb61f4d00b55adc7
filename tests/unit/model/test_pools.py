from __future__ import annotations

import attrs
import pytest

from director.errors import DirectorError
from director.model import pools


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (pools.Address(port=80), ":80"),
        (pools.Address("10.0.0.1", 80), "10.0.0.1:80"),
        (pools.Address("::1", 80), "[::1]:80"),
        (pools.Address(path="/run/x.sock"), "unix:/run/x.sock"),
        (pools.Address(endpoint="systemd:domain=INET:index=0"), "systemd:domain=INET:index=0"),
    ],
)
def test_an_address_is_shown_as_it_is_written(address: pools.Address, text: str) -> None:
    assert str(address) == text


@pytest.mark.parametrize(
    ("scheduler", "text"),
    [
        (pools.SchedulerSpec("wlc"), "wlc"),
        (pools.SchedulerSpec("sh", flags=("port", "fallback")), "sh port fallback"),
        (
            pools.SchedulerSpec("hash", "cookie sid", otherwise=pools.SchedulerSpec("wlc")),
            "hash(cookie sid) else wlc",
        ),
    ],
)
def test_a_scheduler_is_shown_as_it_is_written(scheduler: pools.SchedulerSpec, text: str) -> None:
    assert str(scheduler) == text


def test_a_weight_is_not_negative() -> None:
    with pytest.raises(DirectorError, match="weight"):
        pools.Server("a", pools.Address("10.0.0.1", 80), weight=-1)


def test_the_lower_threshold_is_not_above_the_upper() -> None:
    with pytest.raises(DirectorError, match="min=5"):
        pools.Server("a", pools.Address("10.0.0.1", 80), max=4, min=5)


def test_servers_of_a_pool_have_names_of_their_own() -> None:
    server = pools.Server("a", pools.Address("10.0.0.1", 80))
    with pytest.raises(DirectorError, match="pool web"):
        pools.Pool("web", (server, attrs.evolve(server, weight=2)))


def test_values_are_frozen_and_comparable() -> None:
    pool = pools.Pool("web", (pools.Server("a", pools.Address("10.0.0.1", 80)),))
    assert pool == attrs.evolve(pool)
    assert hash(pool) == hash(attrs.evolve(pool))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        pool.name = "other"  # type: ignore[misc]
