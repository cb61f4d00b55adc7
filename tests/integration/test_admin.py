"""The admin of a real director: what no test in memory can tell.

One director serves all; each test leaves it as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path

import pytest

from tests.integration.texts import web
from tests.support import needs
from tests.support.admin_client import AdminClient
from tests.support.running import Director
from tests.support.sse import Said, said

pytestmark = [pytest.mark.integration, needs.director]


@pytest.fixture(scope="module")
def director(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Director]:
    folder: Path = tmp_path_factory.mktemp("admin")
    with Director(web({"a": "127.0.0.1:9", "b": "127.0.0.2:9"}), folder) as running:
        yield running


@pytest.fixture(params=["TCP", "socket"])
def client(request: pytest.FixtureRequest, director: Director) -> AdminClient:
    """Somebody who may do everything, by either way."""
    return (
        AdminClient(director, socket=True) if request.param == "socket" else AdminClient.with_token(director)
    )


def heard(answer: HTTPResponse, word: str) -> list[Said]:
    """What a stream says until it says `word`; a time-out of the connection ends the wait."""
    data = b""
    while word.encode() not in data or not data.endswith(b"\n\n"):
        data += answer.readline()
    return said(data)


def test_events_are_heard_as_they_happen_and_resumed_where_they_were_left(client: AdminClient) -> None:
    server = "/api/v1/pools/web/servers/a"
    with client.open("GET", "/api/v1/events") as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        client.ask("PATCH", server, {"weight": 5})
        last = heard(stream, "weight=5")[-1]
    client.ask("PATCH", server, {"weight": 6})
    client.ask("PATCH", server, {"weight": 1})
    with client.open("GET", "/api/v1/events", Last_Event_ID=last.identifier) as again:
        found = heard(again, "weight=1")
    assert [one.kind for one in found] == ["message"] * 2
    assert "weight=6" in found[0].data
    listed = client.get(f"events?after={last.identifier}").json
    assert [str(one["id"]) for one in listed] == [one.identifier for one in reversed(found)]
