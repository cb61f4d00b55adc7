"""The admin in memory: a site over a sample, spoken to in bytes."""

from __future__ import annotations

import itertools
import json
from email.message import Message
from http.client import HTTPResponse
from io import BytesIO
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any
from weakref import finalize

from attrs import define, field, frozen
from twisted.internet.address import IPv4Address
from twisted.internet.defer import execute
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from director.admin.access import Access
from director.admin.api import Api
from director.admin.authenticator import Accounts, Authenticator
from director.admin.chronicle import HourBook
from director.admin.passwords import PasswordCheck
from director.admin.resource import AdminResource, ListenerPolicy
from director.admin.service import answering
from director.admin.sessions import Links, Sessions
from director.admin.site import AdminSite
from director.admin.testing import MemoryControl
from director.admin.tokens import Tokens
from director.admin.trends import History
from director.admin.turns import REST, SLICE_SECONDS, Turns
from tests.unit.admin import sample

TOKEN = "t" * 43
BEARER = {"Authorization": f"Bearer {TOKEN}"}
JSON = {"Content-Type": "application/json"}


@frozen
class Reply:
    status: int
    headers: Message
    body: bytes
    reason: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@define
class Admin:
    """One site; `clock` drives its time-outs."""

    control: MemoryControl = field(factory=sample.control)
    listening: ListenerPolicy = field(factory=ListenerPolicy)
    clock: Clock = field(factory=Clock)
    history: History = field(factory=History)
    chronicle: HourBook = field(factory=HourBook)
    folder: Path = field(factory=lambda: Path(mkdtemp(prefix="director-admin-")))
    accounts: Accounts = field(init=False)
    authenticator: Authenticator = field(init=False)
    turns: Turns = field(init=False)
    site: AdminSite = field(init=False)

    def __attrs_post_init__(self) -> None:
        finalize(self, rmtree, self.folder, ignore_errors=True)
        numbers = itertools.count(1)
        make_id = lambda: f"id{next(numbers):040}"  # noqa: E731
        users = self.control.users
        tokens = Tokens(self.folder / "tokens.json", users, make_id, lambda: self.control.at.time)
        self.accounts = Accounts(users, tokens, PasswordCheck(execute, plain_look))
        self.authenticator = Authenticator(TOKEN, Sessions(make_id), Links(make_id), self.accounts)
        self.turns = Turns(self.clock)
        self.site = AdminSite(self.resource(), self.clock, self.turns, self.authenticator.counted)

    @property
    def api(self) -> Api:
        return Api(self.control, self.history, self.authenticator.counted, self.chronicle)

    def make_link(self) -> str:
        return "http://127.0.0.1:8404/login?token=" + self.authenticator.links.make(self.clock.seconds())

    def rotate(self) -> str:
        self.authenticator.take_token("u" * 43)
        return "var/admin.token"

    def resource(self) -> AdminResource:
        api = self.api
        access = Access(self, self.accounts, self.authenticator.sessions, self.control.moment)
        return AdminResource(
            api,
            answering(self.control, self.clock, api, access, self.chronicle),
            self.authenticator,
            self.listening,
            self.clock,
            self.turns,
            self.clock.seconds,
        )

    def connect(self, address: str = "127.0.0.1") -> tuple[Any, StringTransport]:
        peer = IPv4Address("TCP", address, 50000)
        protocol = self.site.buildProtocol(peer)
        assert protocol is not None
        transport = StringTransport(IPv4Address("TCP", "127.0.0.1", 8404), peer)
        protocol.makeConnection(transport)
        return protocol, transport

    def raw(self, data: bytes, method: str = "GET", address: str = "127.0.0.1") -> Reply:
        protocol, transport = self.connect(address)
        protocol.dataReceived(data)
        self.clock.pump([0.0] + [SLICE_SECONDS * REST] * 49)
        return parsed(transport.value(), method)

    def ask(
        self,
        method: str,
        target: str,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        address: str = "127.0.0.1",
    ) -> Reply:
        fields = {"Host": "127.0.0.1:8404", **(headers or {})}
        if body:
            fields["Content-Length"] = str(len(body))
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return self.raw(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body, method, address)

    def get(self, target: str, **headers: str) -> Reply:
        return self.ask("GET", target, {**BEARER, **headers})

    def send(self, method: str, target: str, order: Any, **headers: str) -> Reply:
        fields = {**BEARER, **JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.ask(method, target, fields, json.dumps(order).encode())

    def sign_in_as(self, user: str, password: str, address: str = "127.0.0.1") -> dict[str, str]:
        """The same for a user, by the form."""
        fields = {"Content-Type": "application/x-www-form-urlencoded"}
        body = f"user={user}&password={password}".encode()
        reply = self.ask("POST", "/login", fields, body, address)
        assert reply.status == 303, reply
        return {"Cookie": reply.headers["Set-Cookie"].partition(";")[0]}

    def sign_in(self) -> dict[str, str]:
        """A browser's cookie."""
        reply = self.ask("GET", self.make_link().partition("8404")[2])
        return {"Cookie": reply.headers["Set-Cookie"].partition(";")[0]}


def plain_look(hashed: str, password: str) -> bool:
    """For tests that are not about argon2: the hash of `x` is `$x`."""
    return hashed == f"${password}"


class _Socket:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> BytesIO:
        return BytesIO(self._data)


def parsed(data: bytes, method: str = "GET") -> Reply:
    """Read with the standard library's client, an independent reader."""
    response = HTTPResponse(_Socket(data), method=method)  # type: ignore[arg-type]
    response.begin()
    return Reply(response.status, response.headers, response.read(), response.reason)
