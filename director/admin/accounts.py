"""Who somebody is and what they may do: roles, the users of the configuration, and how long a sign-in counts.

Pure.  A sign-in remembers the user's hash and role of its moment (`Standing`); it ends with the first request
after a reload that removed the user, changed the password or lowered the role.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from attrs import frozen

from director.model.settings import User

VIEWER, OPERATOR, ADMIN = "viewer", "operator", "admin"
ROLES = (VIEWER, OPERATOR, ADMIN)
"""From the least to the most; each may do what those before it may."""
Users = Callable[[], Iterable[User]]
"""The users of the configuration that runs now."""


def may(role: str, needed: str) -> bool:
    """Whether a role is enough for what needs another."""
    return ROLES.index(role) >= ROLES.index(needed)


def lesser(one: str, other: str) -> str:
    """The lesser of two roles."""
    return other if may(one, other) else one


@frozen
class Standing:
    """How somebody was known at a moment.

    `user` is empty for who came with the admin's token or a link; `mark` stands for the password's hash.
    """

    user: str = ""
    role: str = ADMIN
    mark: bytes = b""

    def now(self, users: Users) -> str:
        """The role that is left of it: empty when it ended."""
        if not self.user:
            return self.role
        known = named(users, self.user)
        if known is None or mark(known) != self.mark or not may(known.role, self.role):
            return ""
        return self.role


def named(users: Users, name: str) -> User | None:
    """The user of that name, or None."""
    return next((one for one in users() if one.name == name), None)


def mark(user: User) -> bytes:
    """Stands for a password's hash: tables need not hold it."""
    return hashlib.sha256(user.password.encode()).digest()


def standing(user: User, role: str = "") -> Standing:
    """How a user is known now, with a lesser role if wanted."""
    return Standing(user.name, lesser(role or user.role, user.role), mark(user))


@frozen
class Principal:
    """Somebody who may come in.

    Attributes:
        author: how the audit names them.
        origin: where they ask from.
        session: the session that they ask with, as it is shown; `csrf` is its token for writes.
    """

    author: str
    role: str = ADMIN
    origin: str = ""
    user: str = ""
    session: str = ""
    csrf: str = ""


NOBODY = Principal("", VIEWER)
"""Who asks on an open route."""
