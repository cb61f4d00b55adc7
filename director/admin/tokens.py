"""API tokens of users, each with a role, an end and a note, kept in `state_dir` without their texts.

A token is shown once, when it is made; the file holds its SHA-256, which is as good for comparing and of no
use to a thief.  It may never do more than its user may now, and ends with the user.  `LARGEST` bounds the
table: a new one is refused until another ends, for a token that vanished by itself would be a riddle.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from director.admin.accounts import ROLES, Users, lesser, named
from director.admin.sessions import digest
from director.errors import DirectorError
from director.store.io.file import replace

TOKENS_FILE = "tokens.json"
LARGEST = 256
SHOWN = 8
"""Characters of an id; it names a token and is no part of its secret."""


@frozen
class ApiToken:
    """One token: times are seconds since the epoch, `expires` 0 = with its user; `digest` is of its text."""

    id: str
    user: str
    role: str
    digest: str
    note: str = ""
    made: float = 0.0
    expires: float = 0.0
    by: str = ""


class Tokens:
    """All tokens of one director."""

    def __init__(
        self, path: Path, users: Users, make_id: Callable[[], str], wall: Callable[[], float]
    ) -> None:
        """`wall` gives seconds since the epoch."""
        self._path = path
        self._users = users
        self._make_id = make_id
        self._wall = wall
        self._by_digest: dict[str, ApiToken] = {}

    def load(self) -> None:
        """Those of earlier runs.  Raises DirectorError with what to do when the file cannot be used."""
        try:
            found = json.loads(self._path.read_bytes())
            read = [ApiToken(**one) for one in found]
            good = all(one.role in ROLES and isinstance(one.expires, int | float) for one in read)
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError) as error:
            raise DirectorError(self._unusable(error)) from error
        if not good:
            raise DirectorError(self._unusable("a role or a time in it is none"))
        self._by_digest = {one.digest: one for one in read[:LARGEST]}

    def _unusable(self, why: object) -> str:
        return f"the API tokens in {self._path} cannot be used: {why}; remove the file and make new ones"

    def living(self) -> Iterator[tuple[ApiToken, str]]:
        """Those that are good now, oldest first, and the role that each has."""
        for token in self._by_digest.values():
            role = self._role(token)
            if role:
                yield token, role

    def _role(self, token: ApiToken) -> str:
        user = named(self._users, token.user)
        if user is None or (token.expires and self._wall() >= token.expires):
            return ""
        return lesser(token.role, user.role)

    def find(self, text: str) -> tuple[ApiToken, str] | None:
        """The good token of that text and its role, or None."""
        token = self._by_digest.get(digest(text).hex())
        role = self._role(token) if token is not None else ""
        return (token, role) if token is not None and role else None

    def make(self, user: str, role: str, seconds: float, note: str, by: str) -> tuple[ApiToken, str]:
        """A new token that is good for so long (0 = with its user), and its text, which nobody sees again.

        Raises OSError when it cannot be kept (there is none then), and DirectorError when there are too many.
        """
        kept = {one.digest: one for one, _ in self.living()}
        if len(kept) >= LARGEST:
            raise DirectorError(
                f"there are {LARGEST} tokens already; revoke one with: director token revoke ID"
            )
        text, now = self._make_id(), self._wall()
        key = digest(text).hex()
        token = ApiToken(key[:SHOWN], user, role, key, note, now, now + seconds if seconds else 0.0, by)
        self._keep({**kept, token.digest: token})
        return token, text

    def revoke(self, identifier: str) -> bool:
        """From now on it is no token; False when there was none.  Raises OSError, and it stays good."""
        living = [one for one, _ in self.living()]
        if all(one.id != identifier for one in living):
            return False
        self._keep({one.digest: one for one in living if one.id != identifier})
        return True

    def _keep(self, tokens: dict[str, ApiToken]) -> None:
        found: list[dict[str, Any]] = [asdict(one) for one in tokens.values()]
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace(self._path, json.dumps(found, indent=1).encode() + b"\n", 0o600)
        self._by_digest = tokens
