"""The director's admin in memory, as the commands ask it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field

from director.cli.client import understood
from tests.unit.admin.wire import BEARER, Admin

Run = Callable[..., tuple[int, str, str]]
"""A command line of `director`: exit code, standard output, standard error."""


@define
class MemoryClient:
    """The client's methods over the admin in memory: the real routes, no socket."""

    admin: Admin = field(factory=Admin)

    def _ask(self, method: str, segments: tuple[str, ...], order: Any = None, query: str = "") -> Any:
        target = "/api/v1/" + "/".join(segments) + (f"?{query}" if query else "")
        reply = self.admin.get(target) if method == "GET" else self.admin.send(method, target, order or {})
        return understood(reply.status, reply.headers.get_content_type(), reply.body)

    def get(self, *segments: str, query: str = "") -> Any:
        return self._ask("GET", segments, query=query)

    def text(self, *segments: str) -> str:
        return str(self.get(*segments))

    def post(self, *segments: str, order: Any = None, query: str = "", patience: float = 0.0) -> Any:
        return self._ask("POST", segments, order, query)

    def delete(self, *segments: str, query: str = "") -> Any:
        target = "/api/v1/" + "/".join(segments) + (f"?{query}" if query else "")
        reply = self.admin.ask("DELETE", target, BEARER)
        return understood(reply.status, reply.headers.get_content_type(), reply.body)

    def patch(self, *segments: str, order: Any, query: str = "") -> Any:
        return self._ask("PATCH", segments, order, query)
