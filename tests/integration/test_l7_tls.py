"""TLS with the clients and servers of this machine's OpenSSL."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import ssl
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.conftest import StartDirector
from tests.integration.texts import web
from tests.support import needs
from tests.support.certificates import Made, make
from tests.support.origin import Origin, Send
from tests.support.running import children, free_port, wait_until
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


def shown(place: tuple[str, int]) -> set[str]:
    """What many connections are shown: enough of them to meet every process; "" where one is refused."""
    found = set()
    for _ in range(16):
        try:
            found.add(served(place))
        except OSError:
            found.add("")
    return found


def digest(made: Made) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(made.chain.decode())).hexdigest()


def test_stalled_handshakes_keep_nobody_waiting_and_new_files_are_served(
    start: StartDirector, origin: Origin, tmp_path: Path
) -> None:
    first, second = make("shop.example", authority=True), make("shop.example", authority=True)
    section = written(tmp_path, first)
    director = start(web({"s": f"127.0.0.1:{origin.port}"}, "", "tls = shop") + section)
    with ExitStack() as stack:
        stalled = [stack.enter_context(socket.create_connection(director.place, 10)) for _ in range(100)]
        for one in stalled:
            one.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert asked(director.place, trusting(first)).startswith(b"HTTP/1.1 200")
        # A key that does not belong to it: the old pair is served on.
        (tmp_path / "shop.key").write_bytes(second.key)
        assert wait_until(lambda: "the old one is served on" in director.log, 10)
        assert served(director.place) == digest(first)
        # Who takes the place of a process that ended has never seen good files.
        for pid in children(director.pid):
            os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: shown(director.place) == {digest(first)}, 20, 0.2)
        written(tmp_path, second)
        assert wait_until(lambda: served(director.place) == digest(second), 10, 0.3)


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


def passing(front: int, shop: int, others: int, more: str = "") -> str:
    """A service that passes TLS on to two that end it, with the client's address."""
    return (
        f"\n[l7:front]\nlisten = 127.0.0.1:{front}\nprotocol = tls-passthrough\npool = others\n{more}\n"
        "[rule:10 shop]\nservice = front\nwhen = sni in shop.example *.shop.example\npool = shop\n"
        + "".join(
            f"[pool:{name}]\nserver.a = 127.0.0.1:{port}\nsend_proxy = v2\ntimeout.connect = 500ms\n"
            for name, port in (("shop", shop), ("others", others))
        )
    )


def test_tls_is_passed_on_by_its_name(start: StartDirector, tmp_path: Path) -> None:
    """Curl's connections end at the service that its name leads to, and nobody else's octets do."""
    leaf = make("shop.example", "other.example", authority=True)
    lines = "tls = shop\nproxy_protocol = from 127.0.0.0/8"
    front, gone = free_port(), free_port()
    with Origin(addressed) as origin:
        director = start(
            web({"s": f"127.0.0.1:{origin.port}"}, "", lines)
            + written(tmp_path, leaf)
            + passing(front, 0, gone).replace("127.0.0.1:0\n", "127.0.0.1:{listen}\n")
        )
        place = ("127.0.0.1", front)
        with socket.create_connection(place, 10) as slow:
            slow.sendall(b"\x16\x03")
            for _ in range(3):
                assert asked(place, trusting(leaf)).endswith(b"\r\n\r\n127.0.0.1")
            with pytest.raises((ConnectionError, ssl.SSLError)):
                asked(place, trusting(leaf), b"GET / HTTP/1.1\r\n\r\n")
            # Another name's server is not there: closed, since no page could be read.
            with socket.create_connection(place, 10) as plain, pytest.raises((ConnectionError, ssl.SSLError)):
                trusting(leaf).wrap_socket(plain, server_hostname="other.example")
        assert wait_until(lambda: '"TLS shop.example:' in director.log, 10)
        assert wait_until(lambda: "does not begin with a TLS greeting" in director.log, 10)
