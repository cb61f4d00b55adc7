"""The admin as a program sees it: over TCP with a token, a cookie or nothing, and over the control socket."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from attrs import define, field, frozen

from director.cli.client import UnixConnection
from tests.support.running import Director


@frozen
class Told:
    """An answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        """Its value."""
        return json.loads(self.body)


@define
class AdminClient:
    """Asks one director.  `headers` go with each request; `socket` = by the control socket."""

    director: Director
    headers: dict[str, str] = field(factory=dict)
    socket: bool = False

    @classmethod
    def with_token(cls, director: Director) -> Self:
        """The admin's own token."""
        token = (director.state / "admin.token").read_text(encoding="ascii").strip()
        return cls(director, {"Authorization": f"Bearer {token}"})

    @contextmanager
    def open(
        self, method: str, target: str, order: Any = None, **headers: str
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer, whose body is still to be read; `order` is JSON, or octets as they are."""
        connection: http.client.HTTPConnection
        if self.socket:
            connection = UnixConnection(self.director.state / "control.sock")
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.director.admin, timeout=30)
        fields = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        body = order
        if order is not None and not isinstance(order, bytes):
            fields.setdefault("Content-Type", "application/json")
            body = json.dumps(order).encode()
        try:
            connection.request(method, target, body, fields)
            with connection.getresponse() as answer:
                yield answer
        finally:
            connection.close()

    def ask(self, method: str, target: str, order: Any = None, **headers: str) -> Told:
        """The whole answer."""
        with self.open(method, target, order, **headers) as answer:
            return Told(answer.status, answer.headers, answer.read())

    def get(self, target: str, **headers: str) -> Told:
        """Something below `/api/v1/`."""
        return self.ask("GET", f"/api/v1/{target}", None, **headers)
