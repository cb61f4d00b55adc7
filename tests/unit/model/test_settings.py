from __future__ import annotations

from director.model import settings


def test_a_password_hash_is_not_shown() -> None:
    assert "argon2" not in repr(settings.User("ops", "$argon2id$x"))


def test_a_configuration_may_be_empty() -> None:
    assert settings.Configuration().pools == ()
