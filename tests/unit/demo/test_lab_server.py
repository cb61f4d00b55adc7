from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest

from director.demo.lab_server import AnswerServer, content


@pytest.fixture
def server() -> Iterator[http.client.HTTPConnection]:
    kind = type("Named", (AnswerServer,), {"name": "a"})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        connection = http.client.HTTPConnection(*made.server_address)
        yield connection
        connection.close()
        made.shutdown()
        thread.join()


def test_it_says_what_its_socket_sees(server: http.client.HTTPConnection) -> None:
    server.request("GET", "/")
    seen = json.loads(server.getresponse().read())
    assert seen["server"] == "a"
    assert seen["from"] == "{}:{}".format(*server.sock.getsockname())
    assert seen["to"] == "{}:{}".format(*server.sock.getpeername())


@pytest.mark.parametrize("size", [0, 1, 65536, 200001])
def test_bytes_are_as_many_as_asked_and_always_the_same(
    server: http.client.HTTPConnection, size: int
) -> None:
    server.request("GET", f"/bytes/{size}")
    body = server.getresponse().read()
    assert len(body) == size
    assert body == content(300000)[:size]


def test_a_size_beyond_reason_is_answered_like_any_other_path(server: http.client.HTTPConnection) -> None:
    server.request("GET", "/bytes/99999999999999")
    assert json.loads(server.getresponse().read())["server"] == "a"
