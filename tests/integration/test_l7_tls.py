"""TLS with the clients and servers of this machine's OpenSSL."""

from __future__ import annotations

import hashlib
import socket
import ssl
from pathlib import Path

import pytest

from tests.integration.conftest import StartDirector
from tests.integration.texts import web
from tests.support import needs
from tests.support.certificates import Made, make
from tests.support.origin import Origin, Send
from tests.support.running import wait_until
from tests.support.strict import Message

pytestmark = [pytest.mark.integration, needs.director]

REQUEST = b"GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"
PROXY = b"PROXY TCP4 192.0.2.7 198.51.100.1 4000 443\r\n"


def written(folder: Path, made: Made, stem: str = "shop") -> str:
    """The section of a certificate whose files are new."""
    for name, data in ((f"{stem}.crt", made.chain), (f"{stem}.key", made.key)):
        fresh = folder / f".{name}"
        fresh.write_bytes(data)
        fresh.replace(folder / name)
    return f"\n[cert:{stem}]\nfile = {folder}/{stem}.crt\nkey = {folder}/{stem}.key\n"


def trusting(made: Made) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=made.chain.decode())


def asked(place: tuple[str, int], context: ssl.SSLContext, before: bytes = b"") -> bytes:
    """The whole response to one request."""
    with socket.create_connection(place, 10) as plain:
        plain.sendall(before)
        with context.wrap_socket(plain, server_hostname="shop.example") as client:
            client.sendall(REQUEST)
            found = b""
            while data := client.recv(65536):
                found += data
    return found


def served(place: tuple[str, int]) -> str:
    """The digest of the certificate that is shown."""
    pem = ssl.get_server_certificate(place)
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def digest(made: Made) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(made.chain.decode())).hexdigest()


def test_stalled_handshakes_keep_nobody_waiting_and_new_files_are_served(
    start: StartDirector, origin: Origin, tmp_path: Path
) -> None:
    first, second = make("shop.example", authority=True), make("shop.example", authority=True)
    section = written(tmp_path, first)
    director = start(web({"s": f"127.0.0.1:{origin.port}"}, "", "tls = shop") + section)
    stalled = [socket.create_connection(director.place, 10) for _ in range(100)]
    for one in stalled:
        one.sendall(b"\x16\x03\x01\x02\x00\x01")
    assert asked(director.place, trusting(first)).startswith(b"HTTP/1.1 200")
    # A key that does not belong to it: the old pair is served on.
    (tmp_path / "shop.key").write_bytes(second.key)
    assert wait_until(lambda: "the old one is served on" in director.log, 10)
    assert served(director.place) == digest(first)
    written(tmp_path, second)
    assert wait_until(lambda: served(director.place) == digest(second), 10, 0.3)
    for one in stalled:
        one.close()


def addressed(message: Message) -> list[Send]:
    """For whom it was asked."""
    fields = {name.lower(): value for name, value in message.fields}
    text = fields[b"x-forwarded-for"]
    return [Send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text)]


def test_a_header_before_tls_is_believed_from_those_that_are_named(
    start: StartDirector, tmp_path: Path
) -> None:
    """The server is told of the address in it."""
    leaf = make("shop.example", authority=True)
    lines = "tls = shop\nproxy_protocol = from 127.0.0.0/8"
    with Origin(addressed) as origin:
        director = start(web({"s": f"127.0.0.1:{origin.port}"}, "", lines) + written(tmp_path, leaf))
        assert asked(director.place, trusting(leaf), PROXY).endswith(b"\r\n\r\n192.0.2.7")
        with pytest.raises((ConnectionError, ssl.SSLError)):
            asked(director.place, trusting(leaf))


def test_nobody_else_s_header_is_read(start: StartDirector, origin: Origin) -> None:
    """Nor taken for a request."""
    director = start(web({"s": f"127.0.0.1:{origin.port}"}, "", "proxy_protocol = from 192.0.2.0/24"))
    with socket.create_connection(director.place, 10) as client:
        client.sendall(PROXY + REQUEST)
        assert client.recv(65536).startswith(b"HTTP/1.1 400 ")
