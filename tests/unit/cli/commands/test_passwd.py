from __future__ import annotations

import io

import pytest

from director.cli.client import Refused
from director.cli.commands import passwd


def test_a_short_password_is_refused() -> None:
    with pytest.raises(Refused, match="at least 8"):
        passwd.section("ops", "viewer", "short")


def test_the_section_holds_a_hash_that_fits() -> None:
    argon2 = pytest.importorskip("argon2", reason="argon2-cffi is not installed")
    text = passwd.section("ops", "operator", "correct horse")
    head, password, role = text.splitlines()
    assert (head, role) == ("[user:ops]", "role = operator")
    hashed = password.removeprefix("password = ").replace("$$", "$")
    assert "$" not in password.removeprefix("password = ").replace("$$", "")
    assert argon2.PasswordHasher().verify(hashed, "correct horse")


def test_a_program_gives_it_as_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\nmore\n"))
    assert passwd.ask() == "correct horse"
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(Refused, match="at least 8"):
        passwd.section("ops", "viewer", passwd.ask())


def test_two_different_answers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["one", "two"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda _: next(answers))
    with pytest.raises(Refused, match="not the same"):
        passwd.ask()
