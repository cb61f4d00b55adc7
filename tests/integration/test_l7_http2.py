"""HTTP/2 with clients that others wrote: curl, and a hand that writes wrong frames."""

from __future__ import annotations

import hashlib
import socket
import subprocess
from pathlib import Path

import pytest

from tests.integration.conftest import StartDirector
from tests.integration.texts import web
from tests.support import needs
from tests.support.origin import Close, Origin, Send
from tests.support.strict import Message

pytestmark = [pytest.mark.integration, needs.director]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000 04 00 00000000")
PING = bytes.fromhex("000008 06 00 00000000") + b"12345678"
UPLOAD = 5_000_000


def answer(message: Message) -> list[Send | Close]:
    """What came, hashed; and the connection is closed behind it where the target says so."""
    via = {name.lower(): value for name, value in message.fields}[b"via"]
    text = via + b" " + message.sha256.encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text)
    return [Send(head + text), *([Close()] if message.target == b"/close" else [])]


def curl(*arguments: str) -> str:
    done = subprocess.run(
        ["curl", "-sS", "-m", "20", "--http2-prior-knowledge", *arguments],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


def test_large_uploads_arrive_whole_though_kept_connections_are_closed(
    start: StartDirector, tmp_path: Path
) -> None:
    """The server closes now and then, so some uploads begin on a connection that is not there any more."""
    data = tmp_path / "data"
    data.write_bytes(hashlib.shake_128(b"seed").digest(UPLOAD))
    digest = hashlib.sha256(data.read_bytes()).hexdigest()
    with Origin(answer) as origin:
        director = start(web({"s": f"127.0.0.1:{origin.port}"}, "", "h2c = prior"))
        place = "http://{}:{}".format(*director.place)
        for path in ("/stay", "/close", "/stay", "/close", "/stay"):
            via, found = curl("-T", str(data), place + path).rsplit(" ", 1)
            assert found == digest
            assert via.startswith("2 ")


def test_a_flood_ends_in_calm_and_others_are_served(start: StartDirector) -> None:
    with Origin(answer) as origin:
        director = start(web({"s": f"127.0.0.1:{origin.port}"}, "", "h2c = prior"))
        with socket.create_connection(director.place, 10) as client:
            client.sendall(PREFACE)
            client.sendall(PING * 2000)
            seen = b""
            while data := client.recv(65536):
                seen += data
        assert b"control frames" in seen
        assert curl("http://{}:{}/".format(*director.place)).startswith("2 ")


def test_a_trusted_client_that_asks_is_told_the_decision(start: StartDirector) -> None:
    """RFC 9113 8.2: over HTTP/2 the name of the field is in lower case."""
    with Origin(answer) as origin:
        director = start(web({"s": f"127.0.0.1:{origin.port}"}, "", "h2c = prior\ntrust = 127.0.0.0/8"))
        place = "http://{}:{}".format(*director.place)
        head = curl("-D", "-", "-o", "/dev/null", "-H", "X-Director-Trace: 1", place)
        assert 'server="s";' in head.partition("\nx-director-trace: ")[2].partition("\n")[0]
        assert "director-trace" not in curl("-D", "-", "-o", "/dev/null", place)
