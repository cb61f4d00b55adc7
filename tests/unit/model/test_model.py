from __future__ import annotations

import attrs
import pytest

from director import model
from director.errors import DirectorError


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (model.Address(port=80), ":80"),
        (model.Address("10.0.0.1", 80), "10.0.0.1:80"),
        (model.Address("::1", 80), "[::1]:80"),
        (model.Address(path="/run/x.sock"), "unix:/run/x.sock"),
        (model.Address(endpoint="systemd:domain=INET:index=0"), "systemd:domain=INET:index=0"),
    ],
)
def test_an_address_is_shown_as_it_is_written(address: model.Address, text: str) -> None:
    assert str(address) == text


@pytest.mark.parametrize(
    ("scheduler", "text"),
    [
        (model.Scheduler("wlc"), "wlc"),
        (model.Scheduler("sh", flags=("port", "fallback")), "sh port fallback"),
        (
            model.Scheduler("hash", "cookie sid", otherwise=model.Scheduler("wlc")),
            "hash(cookie sid) else wlc",
        ),
    ],
)
def test_a_scheduler_is_shown_as_it_is_written(scheduler: model.Scheduler, text: str) -> None:
    assert str(scheduler) == text


def test_virtual_services_are_written_as_in_the_configuration() -> None:
    assert str(model.Virtual(fwmark=1, family=6)) == "fwmark 1 inet6"
    assert str(model.Virtual("tcp", "2001:db8::1", 80)) == "tcp [2001:db8::1]:80"


def test_a_rule_is_named_as_its_section() -> None:
    assert model.Rule(100, "images", "www").name == "100 images"
    assert model.Rule(100, "", "www").name == "100"


def test_a_weight_is_not_negative() -> None:
    with pytest.raises(DirectorError, match="weight"):
        model.Server("a", model.Address("10.0.0.1", 80), weight=-1)


def test_the_lower_threshold_is_not_above_the_upper() -> None:
    with pytest.raises(DirectorError, match="min=5"):
        model.Server("a", model.Address("10.0.0.1", 80), max=4, min=5)


def test_servers_of_a_pool_have_names_of_their_own() -> None:
    server = model.Server("a", model.Address("10.0.0.1", 80))
    with pytest.raises(DirectorError, match="pool web"):
        model.Pool("web", (server, attrs.evolve(server, weight=2)))


def test_values_are_frozen_and_comparable() -> None:
    pool = model.Pool("web", (model.Server("a", model.Address("10.0.0.1", 80)),))
    assert pool == attrs.evolve(pool)
    assert hash(pool) == hash(attrs.evolve(pool))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        pool.name = "other"  # type: ignore[misc]


def test_a_password_hash_is_not_shown() -> None:
    assert "argon2" not in repr(model.User("ops", "$argon2id$x"))


def test_a_configuration_may_be_empty() -> None:
    assert model.Configuration().pools == ()
