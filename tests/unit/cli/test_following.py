"""Events are read as a browser reads them (WHATWG HTML, 9.2), and a stream that breaks is taken up again."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from director.cli.client import NOT_REACHABLE, Refused
from director.cli.following import StreamEvent, events, follow
from tests.support.sse import said

STREAM = (
    b"retry: 2000\n\nid: 7\n\n"
    b'id: 8\ndata: {"id":8,"text":"a: b"}\n\n'
    b":\n\n"
    b'id: 11\nevent: gap\ndata: {"oldest":12}\n\n'
    b'id: 12\ndata: {"id":12,"text":"\xc3\xa9"}\n\n'
    b'id: 13\ndata: {"cut'
)


def test_events_are_read_as_a_browser_does() -> None:
    found = [one for one in events(STREAM.splitlines(keepends=True)) if one.data is not None]
    wanted = [StreamEvent(int(one.identifier), one.kind, json.loads(one.data)) for one in said(STREAM)]
    assert found == wanted
    assert [one.number for one in found] == [8, 11, 12]


class Program:
    """A director that is there for some streams: each a list of ids, `gone`, or `no`."""

    def __init__(self, *streams: str) -> None:
        self._streams = list(streams)
        self.asked: list[int] = []

    def stream(self, *segments: str, after: int) -> Iterator[bytes]:
        assert segments == ("events",)
        self.asked.append(after)
        found = self._streams.pop(0) if self._streams else "no"
        if found == "no":
            raise Refused("not for you", status=403)
        if found == "gone":
            raise Refused("no director is running there", code=NOT_REACHABLE)
        yield from (b"retry: 2000\n", b"\n")
        for one in found.split():
            yield from (f"id: {one}\n".encode(), b'data: {"x": 1}\n', b"\n")


def test_a_stream_that_breaks_is_taken_up_where_it_was_left() -> None:
    program, warned, waited = Program("5 6", "gone", "gone", "9", "10"), list[str](), list[float]()
    found: list[int] = []
    with pytest.raises(Refused, match="not for you"):
        found += [one.number for one in follow(program, 4, warned.append, waited.append)]
    assert program.asked == [4, 6, 6, 6, 9, 10]
    gone, back = "the director is gone; waiting for it to come back", "the director is there again"
    assert warned == [gone, back, gone, back, gone]
    assert len(waited) == 5


def test_each_event_is_told_at_once() -> None:
    following = follow(Program("5 6"), 4, list[str]().append, list[float]().append)
    assert [next(following).number, next(following).number] == [5, 6]
