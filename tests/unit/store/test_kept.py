from __future__ import annotations

import json

import pytest
from attrs import evolve

from director.errors import StoreError
from director.model.pools import Address, Pool, Server, State
from director.registry.edits import SERVERS, Edit, Verb, ordered
from director.registry.registry import Generation
from director.store import kept
from director.store.kept import Kept, Writer, decode

ADDED = Edit("pools", ("web",), Verb.ADD, Pool("web", (Server("a", Address("10.0.0.1", 80)),)))
LIGHTER = Edit(SERVERS, ("web", "a"), Verb.SET, fields=(("weight", 0),))
HEAVIER = Edit(SERVERS, ("web", "a"), Verb.SET, fields=(("weight", 1),))
MADE = Generation(7, "ops", 1.5, ("server web/a now weight=0",), (LIGHTER,), (HEAVIER,))
ALL = Kept("5eed", (ADDED, ordered(("web", "a"), State.DRAIN)), (MADE, evolve(MADE, number=8)))


@pytest.mark.parametrize("value", [Kept("5eed"), ALL])
def test_what_was_written_is_read(value: Kept) -> None:
    assert decode(Writer().encode(value)) == value


def test_the_form_is_as_documented() -> None:
    writer = Writer()
    text = writer.encode(ALL)
    found = json.loads(text)
    assert (found["format"], found["store"]) == (2, "5eed")
    assert [one["kind"] for one in found["overlay"]] == ["pools", "states"]
    assert [one["number"] for one in found["generations"]] == [7, 8]
    assert len(text.splitlines()) == 2 + 2 + 1 + 2, "one edit, one generation on a line"
    assert writer.encode(ALL) == text


def test_the_oldest_generations_go_when_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LARGEST_HISTORY", 1000)
    many = tuple(evolve(MADE, number=number) for number in range(1, 20))
    found = decode(Writer().encode(Kept("5eed", (), many))).generations
    assert found == many[-len(found) :]
    assert 1 <= len(found) < 5


def test_a_large_generation_is_kept_without_what_could_undo_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LARGEST_GENERATION", 200)
    assert decode(Writer().encode(ALL)).generations[0] == evolve(MADE, edits=(), back=())


def test_orders_of_the_first_format_are_taken_over() -> None:
    text = '{"format": 1, "servers": {"web": {"a": {"weight": 3, "max": 9, "state": "drain"}}}}'
    assert decode(text) == Kept(
        overlay=(
            Edit(SERVERS, ("web", "a"), Verb.SET, fields=(("weight", 3), ("max", 9))),
            ordered(("web", "a"), State.DRAIN),
        )
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "format 2"),
        ('{"format": 3}', "format 2"),
        ('{"format": 2}', "does not name its store"),
        ('{"format": 2, "store": "x", "overlay": {}, "generations": []}', "has no good None"),
        ('{"format": 2, "store": "x", "overlay": [3], "generations": []}', "overlay are no list of Edit"),
        ('{"format": 2, "store": "x", "overlay": [], "generations": [{"=": "Edit"}]}', "no good Edit"),
        ('{"format": 1}', "servers is not an object"),
        ('{"format": 1, "servers": {"web": []}}', "web is not an object"),
        ('{"format": 1, "servers": {"web": {"a": 3}}}', "web/a is not an object"),
        ('{"format": 1, "servers": {"web": {"a": {"weight": "3"}}}}', "weight = 3, which is no order"),
        ('{"format": 1, "servers": {"web": {"a": {"weight": true}}}}', "weight = True"),
        ('{"format": 1, "servers": {"web": {"a": {"max": 2147483648}}}}', "max = 2147483648"),
        ('{"format": 1, "servers": {"web": {"a": {"state": "gone"}}}}', "web/a: 'gone'"),
        ('{"format": 1, "servers": {"web": {"a": {"address": 1}}}}', "has address, which is no order"),
    ],
)
def test_anything_else_is_refused_as_a_whole(text: str, why: str) -> None:
    with pytest.raises(StoreError, match=why):
        decode(text)
