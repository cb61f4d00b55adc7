"""TLS streams on real sockets: the other end is Python's ssl, which is another build of OpenSSL."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from OpenSSL import SSL

from director.l7.io.tls_stream import TLSStream
from director.tls.io.certificates import make_pair
from director.tls.io.contexts import NOBODY, Clients, ServerContexts, client_context
from tests.support.certificates import Made, make
from tests.support.loops import Loop, Owner

AUTHORITY = make(authority=True, subject="Test CA")
LEAF = make("shop.example", "127.0.0.1", issuer=AUTHORITY)
BIG = b"0123456789abcdef" * 200_000


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    (folder / "ca.pem").write_bytes(AUTHORITY.chain)
    return folder


def contexts(
    made: Made = LEAF, clients: Clients = NOBODY, protocols: tuple[bytes, ...] = ()
) -> ServerContexts:
    found = ServerContexts("intermediate", protocols, b"test", clients)
    found.serve([make_pair("t", made.chain, made.key, "t.crt", "t.key")])
    return found


class Other(threading.Thread):
    """The other end, in a thread of its own; `result` is what its work gave or raised."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self.result: Any = None

    def run(self) -> None:
        try:
            self.result = self._work()
        except OSError as error:
            self.result = error


class Accepting:
    """A server stream of ours, and a client of Python's."""

    def __init__(
        self, loop: Loop, found: ServerContexts, work: Callable[[ssl.SSLSocket], Any], **client: Any
    ) -> None:
        context = ssl.create_default_context(cadata=AUTHORITY.chain.decode("ascii"))
        for name, value in client.items():
            if name == "alpn":
                context.set_alpn_protocols(value)
            elif name == "certificate":
                context.load_cert_chain(*value)
        with socket.create_server(("127.0.0.1", 0)) as server:
            place = server.getsockname()

            def talk() -> Any:
                with (
                    socket.create_connection(place, 5) as plain,
                    context.wrap_socket(plain, server_hostname=client.get("name", "shop.example")) as wrapped,
                ):
                    return work(wrapped)

            self.other = Other(talk)
            self.other.start()
            near, _ = server.accept()
        near.setblocking(False)
        self.owner = Owner()
        self.stream = TLSStream(loop.reactor, near, found.base, self.owner)
        self.stream.start()


def test_octets_come_and_go(loop: Loop) -> None:
    def work(client: ssl.SSLSocket) -> bytes:
        client.sendall(b"ping")
        return client.recv(9)

    made = Accepting(loop, contexts(), work)
    loop.turn(lambda: made.owner.data == b"ping")
    made.stream.write(b"pong")
    loop.turn(lambda: not made.other.is_alive())
    assert made.other.result == b"pong"
    assert made.owner.told[0] == "connected"
    made.stream.abort()


def test_megabytes_both_ways(loop: Loop) -> None:
    def work(client: ssl.SSLSocket) -> str:
        sender = Other(lambda: client.sendall(BIG))
        sender.start()
        digest = hashlib.sha256()
        left = len(BIG)
        while left:
            part = client.recv(min(left, 65536))
            digest.update(part)
            left -= len(part)
        sender.join()
        return digest.hexdigest()

    made = Accepting(loop, contexts(), work)
    loop.turn(lambda: "connected" in made.owner.told)
    made.stream.write(BIG)
    loop.turn(lambda: not made.other.is_alive() and len(made.owner.data) == len(BIG))
    assert made.other.result == hashlib.sha256(BIG).hexdigest()
    assert made.owner.data == BIG
    made.stream.abort()


def test_a_client_that_does_not_read_holds_us_back(loop: Loop) -> None:
    go = threading.Event()

    def work(client: ssl.SSLSocket) -> int:
        go.wait(10)
        left = 5 * len(BIG)
        while left and (part := client.recv(65536)):
            left -= len(part)
        return left

    made = Accepting(loop, contexts(), work)
    loop.turn(lambda: "connected" in made.owner.told)
    for _ in range(5):
        made.stream.write(BIG)
    assert made.owner.told[-1] == "blocked"
    go.set()
    loop.turn(lambda: "drained" in made.owner.told)
    made.stream.close()
    loop.turn(lambda: not made.other.is_alive())
    assert made.other.result == 0


def test_an_end_of_tls_is_an_end(loop: Loop) -> None:
    def work(client: ssl.SSLSocket) -> bytes:
        client.sendall(b"all")
        plain = client.unwrap()
        plain.close()
        return b"done"

    made = Accepting(loop, contexts(), work)
    loop.turn(lambda: "ended" in made.owner.told)
    assert made.owner.data == b"all"
    made.stream.close()
    loop.turn(lambda: not made.other.is_alive())
    assert made.other.result == b"done"


def test_a_cut_is_no_end(loop: Loop) -> None:
    """RFC 9112 9.8: without close_notify an answer delimited by the close is incomplete."""

    def work(client: ssl.SSLSocket) -> None:
        client.sendall(b"half")
        raw = socket.socket(fileno=client.detach())
        raw.shutdown(socket.SHUT_RDWR)
        raw.close()

    made = Accepting(loop, contexts(), work)
    loop.turn(lambda: made.stream.socket is None)
    assert made.owner.data == b"half"
    assert "ended" not in made.owner.told
    assert any("without an end of TLS" in one or "reset" in one for one in made.owner.told)


def test_our_end_is_theirs(loop: Loop) -> None:
    def work(client: ssl.SSLSocket) -> bytes:
        found = b""
        while part := client.recv(100):
            found += part
        client.sendall(b"still here")
        return found

    made = Accepting(loop, contexts(), work)
    loop.turn(lambda: "connected" in made.owner.told)
    made.stream.write(b"that is all")
    made.stream.end()
    loop.turn(lambda: made.owner.data == b"still here")
    made.stream.close()
    loop.turn(lambda: not made.other.is_alive())
    assert made.other.result == b"that is all"


def test_alpn(loop: Loop) -> None:
    made = Accepting(
        loop,
        contexts(protocols=(b"h2", b"http/1.1")),
        lambda client: client.selected_alpn_protocol(),
        alpn=["http/1.1"],
    )
    loop.turn(lambda: not made.other.is_alive())
    assert made.other.result == "http/1.1"
    assert made.stream.connection.get_alpn_proto_negotiated() == b"http/1.1"
    made.stream.abort()


def test_a_client_certificate_is_asked_for(loop: Loop, files: Path) -> None:
    clients = Clients("required", str(files / "ca.pem"))
    mine = make(subject="ops", issuer=AUTHORITY).write(files, "ops")
    made = Accepting(loop, contexts(clients=clients), lambda client: client.recv(1), certificate=mine)
    loop.turn(lambda: "connected" in made.owner.told)
    shown = made.stream.connection.get_peer_certificate(as_cryptography=True)
    assert shown is not None
    assert shown.subject.rfc4514_string() == "CN=ops"
    made.stream.abort()


def test_without_a_client_certificate_there_is_no_connection(loop: Loop, files: Path) -> None:
    made = Accepting(
        loop, contexts(clients=Clients("required", str(files / "ca.pem"))), lambda client: client.recv(1)
    )
    loop.turn(lambda: made.stream.socket is None)
    assert any("certificate" in one for one in made.owner.told)


def test_junk_instead_of_a_greeting(loop: Loop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        peer = socket.create_connection(server.getsockname())
        near, _ = server.accept()
    near.setblocking(False)
    owner = Owner()
    stream = TLSStream(loop.reactor, near, contexts().base, owner)
    stream.start()
    peer.sendall(b"GET / HTTP/1.1\r\n\r\n")
    loop.turn(lambda: stream.socket is None)
    assert "connected" not in owner.told
    peer.close()


class Serving(threading.Thread):
    """A server of Python's that answers one connection."""

    def __init__(self, made: Made, folder: Path) -> None:
        super().__init__(daemon=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*made.write(folder, "server"))
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.context = context

    def run(self) -> None:
        with self.listening, self.listening.accept()[0] as plain:
            plain.settimeout(5)
            try:
                with self.context.wrap_socket(plain, server_side=True) as wrapped:
                    wrapped.sendall(b"hello " + wrapped.recv(20))
            except OSError:
                return


def connect(loop: Loop, served: Serving, authorities: str, verify: str) -> tuple[TLSStream, Owner]:
    sock = socket.socket()
    sock.setblocking(False)
    owner = Owner()
    context = client_context(verify=bool(verify), authorities=authorities)
    stream = TLSStream(
        loop.reactor, sock, context, owner, connecting=True, name="shop.example", verify=verify
    )
    sock.connect_ex(served.listening.getsockname())
    stream.wait_for_connect()
    return stream, owner


def test_a_server_is_verified(loop: Loop, files: Path) -> None:
    served = Serving(LEAF, files)
    served.start()
    stream, owner = connect(loop, served, str(files / "ca.pem"), "shop.example")
    loop.turn(lambda: "connected" in owner.told)
    assert stream.waiting() is None
    stream.resume()
    stream.write(b"you")
    loop.turn(lambda: owner.data == b"hello you")
    stream.close()


@pytest.mark.parametrize(
    ("made", "name", "why"),
    [
        (LEAF, "other.example", "not for other.example"),
        (make("shop.example"), "shop.example", "certificate verify failed"),
        (make("shop.example", issuer=AUTHORITY, days=-1), "shop.example", "certificate verify failed"),
    ],
    ids=["another name", "unknown authority", "expired"],
)
def test_a_wrong_server_is_no_server(loop: Loop, files: Path, made: Made, name: str, why: str) -> None:
    served = Serving(made, files)
    served.start()
    stream, owner = connect(loop, served, str(files / "ca.pem"), name)
    loop.turn(lambda: stream.socket is None)
    assert "connected" not in owner.told
    assert any(why in one for one in owner.told), owner.told


def test_without_verification_any_certificate_will_do(loop: Loop, files: Path) -> None:
    served = Serving(make("whoever"), files)
    served.start()
    stream, owner = connect(loop, served, "", "")
    loop.turn(lambda: "connected" in owner.told)
    stream.abort()


class InOneStep:
    """OpenSSL where the peer answers inside of the first step: nothing was waited for."""

    def do_handshake(self) -> None:
        """It is done at once."""

    def recv(self, _size: int, _flags: int = 0) -> bytes:
        raise SSL.WantReadError

    def shutdown(self) -> None:
        """Nothing to say."""


def test_a_handshake_of_one_step_is_read_behind(loop: Loop) -> None:
    near, far = socket.socketpair()
    with far:
        near.setblocking(False)
        stream = TLSStream(loop.reactor, near, client_context(verify=False), Owner(), name="")
        stream.connection = InOneStep()  # type: ignore[assignment]
        stream.shake()
        assert stream in loop.reactor.getReaders()
        stream.abort()


def test_what_is_written_in_one_turn_leaves_in_one_record(loop: Loop) -> None:
    """And in order with what is large, and the end behind it."""

    def work(client: ssl.SSLSocket) -> list[bytes]:
        client.sendall(b"go")
        found = [client.recv(65536)]
        rest = b""
        while data := client.recv(65536):
            rest += data
        return [*found, rest]

    made = Accepting(loop, contexts(), work)
    made.stream.gathers = True
    loop.turn(lambda: made.owner.data == b"go")
    for number in range(50):
        made.stream.write(b"%02d," % number)
    # Nothing leaves before the turn is over.
    assert made.stream.progress == 0
    loop.turn(lambda: made.stream.progress == 150)
    made.stream.write(b"small")
    made.stream.write(BIG)
    made.stream.write(b"last")
    assert made.stream.is_blocked
    made.stream.end()
    loop.turn(lambda: not made.other.is_alive())
    first, rest = made.other.result
    assert first == b"".join(b"%02d," % number for number in range(50))
    assert hashlib.sha256(rest).digest() == hashlib.sha256(b"small" + BIG + b"last").digest()
    loop.turn(lambda: "drained" in made.owner.told)
    made.stream.abort()


def test_what_was_gathered_is_gone_with_the_connection(loop: Loop) -> None:
    made = Accepting(loop, contexts(), lambda client: client.recv(9))
    made.stream.gathers = True
    loop.turn(lambda: "connected" in made.owner.told)
    made.stream.write(b"never")
    made.stream.abort()
    loop.quiet()
    assert made.owner.told[-1] == "lost"
    assert made.stream.progress == 0
