"""Streams are read back by a reader of our own for the grammar of WHATWG HTML 9.2.6."""

from __future__ import annotations

import json

import pytest

from director.admin.answers import Refusal
from director.admin.api import Call
from director.admin.events import ALL, AT_ONCE, Events, Feed, newest
from director.admin.testing import MemoryControl
from director.registry.reports import LogEvent
from tests.support.sse import Said, said
from tests.unit.admin import sample


def control(*numbers: int) -> MemoryControl:
    made = sample.control()
    made.happened.clear()
    for number in numbers:
        happen(made, number)
    return made


def happen(made: MemoryControl, number: int) -> None:
    made.happened.insert(0, LogEvent(1_800_000_000.0, "info", f"event\n{number} \udcff", number))


def ids(found: list[Said]) -> list[str]:
    return [one.identifier for one in found if one.kind == "message"]


def test_a_stream_begins_with_what_comes_and_says_where_that_is() -> None:
    made = control(7, 8)
    feed = Feed(made, None)
    assert feed.head() == b"retry: 2000\n\nid: 8\n\n"
    assert feed.news() == b""
    happen(made, 9)
    (one,) = said(feed.news())
    assert (one.identifier, one.kind) == ("9", "message")
    assert json.loads(one.data) == {
        "id": 9, "time": "2027-01-15T08:00:00.000Z", "level": "info", "text": "event\n9 \udcff"}  # fmt: skip
    assert feed.news() == b""


def test_who_resumes_gets_what_came_meanwhile_once_and_in_order() -> None:
    made = control(7, 8, 9)
    feed = Feed(made, 7)
    assert ids(said(feed.news())) == ["8", "9"]
    assert feed.news() == b""


def test_what_is_not_kept_any_more_is_named_as_a_gap() -> None:
    feed = Feed(control(20, 21), 7)
    gap, *rest = said(feed.news())
    assert (gap.kind, gap.identifier, json.loads(gap.data)) == ("gap", "19", {"oldest": 20})
    assert ids(rest) == ["20", "21"]


def test_an_id_that_was_never_given_here_resumes_with_all_that_is_kept() -> None:
    made = control(20, 21)
    feed = Feed(made, 900)
    gap, *rest = said(feed.news())
    assert (gap.kind, ids(rest)) == ("gap", ["20", "21"])
    happen(made, 22)
    assert ids(said(feed.news())) == ["22"]


def test_a_flood_is_told_in_parts_and_nothing_of_it_is_lost() -> None:
    feed = Feed(control(*range(1, 2 * AT_ONCE + 2)), 0)
    parts = [ids(said(feed.news())) for _ in range(4)]
    assert [len(part) for part in parts] == [AT_ONCE, AT_ONCE, 1, 0]
    assert [one for part in parts for one in part] == [str(one) for one in range(1, 2 * AT_ONCE + 2)]


def test_before_anything_happened_it_waits_for_the_first() -> None:
    made = control()
    assert newest(made) == 0
    feed = Feed(made, None)
    happen(made, 1)
    assert ids(said(feed.news())) == ["1"]


@pytest.mark.parametrize(
    ("query", "accept", "listed"),
    [
        ({}, "", False),
        ({}, "*/*", False),
        ({}, "text/event-stream", False),
        ({}, "application/json", True),
        ({"after": "0"}, "*/*", True),
        ({"limit": "2"}, "", True),
        ({"after": "7"}, "text/event-stream", False),
    ],
)
def test_what_is_asked_decides_between_a_stream_and_a_list(
    query: dict[str, str], accept: str, listed: bool
) -> None:
    answer = Events(control(7, 8, 9)).events(Call(query=query, accept=accept))
    assert (answer.feed is None) is listed
    assert answer.type == ("application/json" if listed else "text/event-stream")


def test_a_list_holds_what_is_behind_an_id_newest_first() -> None:
    route = Events(control(*range(1, ALL)))
    found = json.loads(route.events(Call(query={"after": "100"})).body)
    assert [one["id"] for one in found] == list(range(ALL - 1, 100, -1))
    found = json.loads(route.events(Call(query={"after": "100", "limit": "2"})).body)
    assert [one["id"] for one in found] == [ALL - 1, ALL - 2]


def test_the_field_of_a_browser_goes_before_the_address_and_is_an_id() -> None:
    route = Events(control(7, 8, 9))
    stream = Call(query={"after": "7"}, accept="text/event-stream", last_event="8")
    feed = route.events(stream).feed
    assert feed is not None
    assert ids(said(feed.news())) == ["9"]
    with pytest.raises(Refusal, match="the id of an event") as found:
        route.events(Call(last_event="x1"))
    assert (found.value.status, found.value.at) == (400, "Last-Event-ID")
