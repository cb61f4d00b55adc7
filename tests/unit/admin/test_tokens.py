from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from director.admin.tokens import LARGEST, Tokens
from director.errors import DirectorError
from director.model.settings import User

DAY = 86400.0


class World:
    """A clock, users and ids."""

    def __init__(self, folder: Path) -> None:
        self.now = 1000.0
        self.users: tuple[User, ...] = (User("ops", "$x", "operator"),)
        self.path = folder / "state" / "tokens.json"
        self._made = 0

    def tokens(self) -> Tokens:
        found = Tokens(self.path, lambda: self.users, self.secret, lambda: self.now)
        found.load()
        return found

    def secret(self) -> str:
        self._made += 1
        return f"secret{self._made}"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_token_is_known_by_its_text_after_a_restart_and_not_written_down(world: World) -> None:
    token, text = world.tokens().make("ops", "viewer", DAY, "for CI", "root")
    again = world.tokens()
    assert again.find(text) == (token, "viewer")
    assert again.find(text + "x") is None
    assert again.find(token.id) is None
    assert again.find(token.digest) is None
    assert text not in world.path.read_text()
    assert stat.S_IMODE(world.path.stat().st_mode) == 0o600


def test_it_ends_in_time_with_its_user_and_when_revoked(world: World) -> None:
    tokens = world.tokens()
    (short, first), (_, second) = (
        tokens.make("ops", "operator", seconds, "", "root") for seconds in (DAY, 0.0)
    )
    world.now += DAY - 1
    assert tokens.find(first) == (short, "operator")
    world.now += 1
    assert tokens.find(first) is None
    assert tokens.find(second) is not None
    world.users = (User("ops", "$x", "viewer"),)
    assert [role for _, role in tokens.living()] == ["viewer"], "never more than its user"
    users, world.users = world.users, ()
    assert tokens.find(second) is None
    world.users = users
    (kept,) = tokens.living()
    assert tokens.revoke(kept[0].id)
    assert not tokens.revoke(kept[0].id)
    assert tokens.find(second) is None
    assert json.loads(world.path.read_text()) == []


def test_the_table_is_bounded_and_makes_room_for_what_ended(world: World) -> None:
    tokens = world.tokens()
    for _ in range(LARGEST):
        tokens.make("ops", "viewer", DAY, "", "root")
    with pytest.raises(DirectorError, match="revoke"):
        tokens.make("ops", "viewer", DAY, "", "root")
    world.now += 2 * DAY
    tokens.make("ops", "viewer", DAY, "", "root")
    assert len(json.loads(world.path.read_text())) == 1


def test_what_cannot_be_kept_is_no_token(world: World) -> None:
    tokens = world.tokens()
    world.path.parent.write_text("in the way")
    with pytest.raises(OSError, match="exists"):
        tokens.make("ops", "viewer", DAY, "", "root")
    assert list(tokens.living()) == []


ODD = '[{"id": "", "user": "", "role": "king", "digest": ""}]'


@pytest.mark.parametrize("text", ["", "{}x", "[1]", '[{"id": 1}]', '{"a": 1}', ODD])
def test_a_file_that_is_none_is_named_and_gives_nobody_anything(world: World, text: str) -> None:
    world.path.parent.mkdir()
    world.path.write_text(text)
    with pytest.raises(DirectorError, match="remove the file"):
        world.tokens()
