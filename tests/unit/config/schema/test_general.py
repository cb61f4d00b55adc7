from __future__ import annotations

import pytest

from director.config.schema import general
from director.config.schema.shape import Kind
from director.config.text.messages import BadValue
from director.config.text.reader import Piece, Value


def parse(kind: Kind, key: str, text: str) -> object:
    (found,) = [one for one in kind.keys if one.name == key]
    return found.parse(Value(text, text, "etc/a.ini", (Piece(0, 1, 1, text),)))


def test_workers_and_logs() -> None:
    assert parse(general.DIRECTOR, "workers", "auto") == -1
    assert parse(general.DIRECTOR, "workers", "4") == 4
    assert parse(general.DIRECTOR, "access_log", "stdout") == "stdout"
    assert parse(general.DIRECTOR, "access_log", "a.log") == "etc/a.log"


@pytest.mark.parametrize("text", ["hunter2", "$argon2id$", "$argon2x$v=19$m=1,t=1,p=1$a$b", "$2b$12$abc"])
def test_passwords_are_hashes(text: str) -> None:
    with pytest.raises(BadValue):
        parse(general.USER, "password", text)


def test_media_types() -> None:
    assert parse(general.PAGE, "content_type", "text/plain; charset=utf-8")
    with pytest.raises(BadValue):
        parse(general.PAGE, "content_type", "html")
