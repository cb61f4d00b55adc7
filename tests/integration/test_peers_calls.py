"""gRPC and WebSockets with the libraries that their users have."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.texts import BASE, pool
from tests.support import needs
from tests.support.certificates import Made, make
from tests.support.running import Director, free_port, wait_until

grpc = pytest.importorskip("grpc", reason="needs grpcio (pip install grpcio)")
pytest.importorskip("websockets", reason="needs websockets (pip install websockets)")

from websockets.asyncio.client import connect as dial  # noqa: E402 - it may not be there
from websockets.asyncio.server import ServerConnection, serve  # noqa: E402 - as above

pytestmark = [pytest.mark.integration, needs.director]

LARGE = bytes(range(256)) * 8192
"""Two megabytes: many windows of HTTP/2, and more than one read of a tunnel."""
OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.enable_retries", 0)]


def echo(request: bytes, context: Any) -> bytes:
    """The request; with the client's metadata in ours, and in a trailer."""
    told = dict(context.invocation_metadata())
    context.send_initial_metadata((("asked", str(told.get("asking", ""))),))
    context.set_trailing_metadata((("size", str(len(request))),))
    return request


def refuse(request: bytes, context: Any) -> bytes:
    """A call that ends in a status with words."""
    context.abort(grpc.StatusCode.NOT_FOUND, "nothing of that name: €")
    return b""


def both(requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
    """One answer to each request, at once."""
    for number, request in enumerate(requests):
        yield b"%d %b" % (number, request)


class Calls:
    """A server of gRPC, in threads of its library."""

    def __init__(self) -> None:
        self.server = grpc.server(ThreadPoolExecutor(8), options=OPTIONS)
        methods = {
            "Echo": grpc.unary_unary_rpc_method_handler(echo),
            "Refuse": grpc.unary_unary_rpc_method_handler(refuse),
            "Both": grpc.stream_stream_rpc_method_handler(both),
        }
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Calls", methods),))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()


class Sockets:
    """A server of WebSockets, on a loop of its own; it echoes, and says first how it was asked."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = self.run(self._begin())
        self.port = next(iter(self.server.sockets)).getsockname()[1]
        self.closed: list[int] = []

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    async def _begin(self) -> Any:
        return await serve(self._talk, "127.0.0.1", 0, max_size=None)

    async def _talk(self, connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None
        await connection.send(request.headers.get("Via", ""))
        with contextlib.suppress(Exception):
            async for message in connection:
                await connection.send(message)
        self.closed.append(connection.close_code or 0)

    def close(self) -> None:
        async def end() -> None:
            self.server.close()
            await self.server.wait_closed()

        self.run(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


class Field:
    """The director before both of them, in clear and in TLS."""

    def __init__(self, folder: Any, calls: Calls, sockets: Sockets) -> None:
        self.sockets = sockets
        self.leaf: Made = make("localhost", "127.0.0.1", authority=True)
        chain, key = self.leaf.write(folder, "shop")
        self.secure = free_port()
        patience = "timeout.response = 20s\ntimeout.idle = 60s\n"
        text = BASE + f"\n[cert:shop]\nfile = {chain}\nkey = {key}\n"
        text += pool("calls", {"s": f"127.0.0.1:{calls.port}"}, patience + "protocol = h2\n")
        text += pool("sockets", {"s": f"127.0.0.1:{sockets.port}"}, patience)
        for name, port, lines in (
            ("clear", "{listen}", "h2c = prior"),
            ("secure", self.secure, "tls = shop"),
        ):
            text += f"\n[l7:{name}]\nlisten = 127.0.0.1:{port}\npool = calls\n{lines}\n"
            text += f"\n[rule:{len(name)} {name}]\nservice = {name}\nwhen = path = /socket\npool = sockets\n"
        self.director = Director(text, folder, workers="0")
        self.clear = self.director.port

    def channel(self, *, secure: bool) -> Any:
        if not secure:
            return grpc.insecure_channel(f"127.0.0.1:{self.clear}", OPTIONS)
        trust = grpc.ssl_channel_credentials(self.leaf.chain)
        return grpc.secure_channel(f"localhost:{self.secure}", trust, OPTIONS)


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    calls, sockets = Calls(), Sockets()
    made = Field(tmp_path_factory.mktemp("calls"), calls, sockets)
    with made.director:
        yield made
    sockets.close()
    calls.server.stop(None).wait(10)


@pytest.mark.parametrize("secure", [False, True])
def test_calls_of_every_kind_pass(field: Field, *, secure: bool) -> None:
    with field.channel(secure=secure) as channel:
        call = channel.unary_unary("/test.Calls/Echo")
        for request in (b"", b"hello", LARGE):
            answer, facts = call.with_call(request, timeout=30, metadata=(("asking", "me"),))
            assert answer == request
            assert dict(facts.initial_metadata())["asked"] == "me"
            assert dict(facts.trailing_metadata())["size"] == str(len(request))
        with pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary("/test.Calls/Refuse")(b"x", timeout=30)
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND
        assert refused.value.details() == "nothing of that name: €"
        with pytest.raises(grpc.RpcError) as unknown:
            channel.unary_unary("/test.Calls/Nothing")(b"x", timeout=30)
        assert unknown.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("secure", [False, True])
def test_both_sides_of_a_call_go_on_at_a_time(field: Field, *, secure: bool) -> None:
    """Each request is sent when the answer to the one before is here."""
    turn = threading.Semaphore(1)

    def requests() -> Iterator[bytes]:
        for number in range(20):
            assert turn.acquire(timeout=30)
            yield b"request %d" % number

    got = []
    with field.channel(secure=secure) as channel:
        for answer in channel.stream_stream("/test.Calls/Both")(requests(), timeout=30):
            got.append(answer)
            turn.release()
    assert got == [b"%d request %d" % (number, number) for number in range(20)]


def test_a_call_that_is_given_up_ends_at_the_server(field: Field) -> None:
    with field.channel(secure=False) as channel:
        began = threading.Event()

        def requests() -> Iterator[bytes]:
            yield b"first"
            began.wait(30)

        call = channel.stream_stream("/test.Calls/Both")(requests(), timeout=30)
        assert next(call) == b"0 first"
        call.cancel()
        began.set()
        with pytest.raises(grpc.RpcError) as ended:
            next(call)
        assert ended.value.code() is grpc.StatusCode.CANCELLED
        assert channel.unary_unary("/test.Calls/Echo")(b"next", timeout=30) == b"next"


@pytest.mark.parametrize("secure", [False, True])
def test_websockets_pass_both_ways_and_end_in_words(field: Field, *, secure: bool) -> None:
    url = f"wss://localhost:{field.secure}/socket" if secure else f"ws://127.0.0.1:{field.clear}/socket"
    trust = ssl.create_default_context(cadata=field.leaf.chain.decode()) if secure else None
    field.sockets.closed.clear()

    async def talk() -> None:
        async with dial(url, max_size=None, ssl=trust) as socket:
            assert await socket.recv() == "1.1 scenario"
            for message in ("words €", b"octets", LARGE, "x" * 200_000):
                await socket.send(message)
                assert await socket.recv() == message
            for number in range(200):
                await socket.send(str(number))
            assert [await socket.recv() for _ in range(200)] == [str(number) for number in range(200)]
            await (await socket.ping())
            await socket.close(4001, "enough")

    asyncio.run(talk())
    assert wait_until(lambda: field.sockets.closed == [4001], 20)
