from __future__ import annotations

import pytest

from director.admin.accounts import ADMIN, OPERATOR, VIEWER, Standing, lesser, may, named, standing
from director.model.settings import User

OPS = User("ops", "$one", "operator")


@pytest.mark.parametrize(
    ("role", "needed", "allowed"),
    [
        ("viewer", "viewer", True),
        ("viewer", "operator", False),
        ("viewer", "admin", False),
        ("operator", "viewer", True),
        ("operator", "operator", True),
        ("operator", "admin", False),
        ("admin", "viewer", True),
        ("admin", "operator", True),
        ("admin", "admin", True),
    ],
)
def test_each_role_may_what_those_before_it_may(role: str, needed: str, allowed: bool) -> None:
    assert may(role, needed) is allowed
    assert lesser(role, needed) == (needed if allowed else role)


@pytest.mark.parametrize(
    ("users", "left"),
    [
        ((OPS,), "operator"),
        ((User("ops", "$one", "admin"),), "operator"),
        ((User("ops", "$two", "operator"),), ""),
        ((User("ops", "$one", "viewer"),), ""),
        ((User("eve", "$one", "operator"),), ""),
        ((), ""),
    ],
    ids=["as it was", "raised", "another password", "lowered", "removed", "nobody"],
)
def test_a_standing_ends_with_what_it_stood_on(users: tuple[User, ...], left: str) -> None:
    assert standing(OPS).now(lambda: users) == left


def test_who_came_with_the_token_does_not_depend_on_users() -> None:
    assert Standing().now(lambda: ()) == ADMIN


def test_a_lesser_role_may_be_wanted_and_no_larger_one() -> None:
    assert standing(OPS, VIEWER).role == VIEWER
    assert standing(OPS, ADMIN).role == OPERATOR


def test_names_are_exact() -> None:
    assert named(lambda: (OPS,), "ops") is OPS
    assert named(lambda: (OPS,), "OPS") is None
    assert named(lambda: (OPS,), "") is None
