from __future__ import annotations

import pytest

from director.config.schema.shape import Key, Kind
from director.config.schema.tables import KINDS, UNAVAILABLE, availability, key_of, kind_of
from director.config.text.reader import Piece, Value

ALL = [(kind, key) for kind in KINDS for key in kind.keys]


@pytest.mark.parametrize(("kind", "key"), ALL, ids=[f"{kind.heading} {key.name}" for kind, key in ALL])
def test_each_key_is_documented_and_its_default_and_example_are_right(kind: Kind, key: Key) -> None:
    assert key.doc.endswith(".")
    assert key.takes
    assert not (key.required and key.default)
    key.standard()
    assert key.example
    key.parse(Value(key.example, key.example, "etc/a.ini", (Piece(0, 1, 1, ""),)))
    assert key.example != key.default


def test_kinds_are_found_by_name_and_form() -> None:
    assert len({kind.heading for kind in KINDS}) == len(KINDS)
    for kind in KINDS:
        assert kind_of(kind.kind, named=bool(kind.named)) is kind
    assert kind_of("pool", named=False) is None


def test_names_of_many_keys() -> None:
    pool = kind_of("pool", named=True)
    assert pool is not None
    found = key_of(pool, "server.a")
    assert found is not None
    assert found.name == "server.NAME"
    server_called_name = key_of(pool, "server.NAME")
    assert server_called_name is found
    assert key_of(pool, "server.") is None
    assert key_of(pool, "nothing") is None


def test_rows_of_what_is_unavailable_name_real_keys() -> None:
    for row in UNAVAILABLE:
        kind = kind_of(row.kind, named=row.named)
        assert kind is not None
        assert not row.key or key_of(kind, row.key) is not None
        assert availability(kind, row.key)
