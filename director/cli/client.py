"""HTTP over the control socket: what the command line says to a running director.

Blocking, with time-outs.  Every failure becomes a `Refused` whose text tells what to do.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 40.0
"""Longer than the admin lets a reload take."""
LARGEST_ANSWER = 256 * 1024 * 1024
LONGEST_PATH = 107
NOT_REACHABLE = 3
"""The exit code when there is no director to ask (design 6)."""


class Refused(Exception):  # noqa: N818 - it is what happened
    """The director is not there, or says no; `at` names what it is about, `code` is the exit code."""

    def __init__(self, message: str, at: str = "", status: int = 0, body: Any = None, code: int = 1) -> None:
        super().__init__(message)
        self.code = code
        self.at = at
        self.status = status
        self.body = body


class UnixConnection(http.client.HTTPConnection):
    """An HTTP connection to a unix socket."""

    def __init__(self, path: Path, patience: float = ANSWER_SECONDS) -> None:
        super().__init__("localhost", timeout=CONNECT_SECONDS)
        self._path = path
        self._patience = patience

    def connect(self) -> None:
        """Connect, then wait longer for the answer than for the connection."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(CONNECT_SECONDS)
        self.sock.connect(str(self._path))
        self.sock.settimeout(self._patience)


class ApiClient:
    """The API of one director.  `path` is its control socket."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, *segments: str, query: str = "") -> Any:
        """The JSON value at `/api/v1/` and the segments."""
        return self._ask("GET", segments, query=query)

    def text(self, *segments: str) -> str:
        """The plain text there."""
        return str(self._ask("GET", segments))

    def post(
        self,
        *segments: str,
        order: dict[str, Any] | None = None,
        query: str = "",
        patience: float = ANSWER_SECONDS,
    ) -> Any:
        """The JSON answer to an order, which may take so many seconds."""
        return self._ask("POST", segments, {} if order is None else order, query, patience)

    def patch(self, *segments: str, order: dict[str, Any], query: str = "") -> Any:
        """The JSON answer to a change."""
        return self._ask("PATCH", segments, order, query)

    def delete(self, *segments: str, query: str = "") -> Any:
        """What became of it; empty when it is simply gone."""
        return self._ask("DELETE", segments, query=query)

    def stream(self, *segments: str, after: int) -> Iterator[bytes]:
        """The lines of a stream of events, of those behind the id `after`.

        Raises Refused, also when it breaks off.
        """
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
        connection = UnixConnection(self._path)
        try:
            connection.request("GET", _target(segments), headers=headers)
            answer = connection.getresponse()
            if answer.status >= 400:
                understood(answer.status, answer.headers.get_content_type(), answer.read(LARGEST_ANSWER))
            yield from answer
        except (OSError, http.client.HTTPException) as error:
            raise Refused(advice(error, self._path), code=NOT_REACHABLE) from error
        finally:
            connection.close()

    def _ask(
        self,
        method: str,
        segments: tuple[str, ...],
        order: dict[str, Any] | None = None,
        query: str = "",
        patience: float = ANSWER_SECONDS,
    ) -> Any:
        target = _target(segments) + (f"?{query}" if query else "")
        body = None if order is None else json.dumps(order).encode()
        headers = {"Accept": "application/json"} | (
            {"Content-Type": "application/json"} if body is not None else {}
        )
        connection = UnixConnection(self._path, patience)
        try:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            data = answer.read(LARGEST_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            raise Refused(advice(error, self._path), code=NOT_REACHABLE) from error
        finally:
            connection.close()
        return understood(answer.status, answer.headers.get_content_type(), data)


def _target(segments: tuple[str, ...]) -> str:
    return "/api/v1/" + "/".join(quote(part, safe="") for part in segments)


def understood(status: int, kind: str, data: bytes) -> Any:
    """The value of an answer.  Raises Refused for an error."""
    try:
        value = json.loads(data) if kind == "application/json" else data.decode("utf-8", "replace")
    except ValueError as error:
        raise Refused("the answer cannot be read; is something else listening on the socket?") from error
    if status < 400:
        return value
    if isinstance(value, dict) and "error" in value:
        raise Refused(str(value["error"]), str(value.get("at", "")), status, value)
    raise Refused(f"the director answered {status}", status=status)


def advice(error: BaseException, path: Path) -> str:
    """Why it could not be asked, and what to do."""
    if isinstance(error, FileNotFoundError):
        return (
            f"no director is running there: {path} does not exist.\n"
            "Start one with: twistd -n director -c FILE\n"
            "Or name its socket with --socket PATH, or its configuration with -c FILE."
        )
    if isinstance(error, ConnectionRefusedError):
        return f"the director at {path} has ended (nobody answers). Start it with: twistd -n director -c FILE"
    if isinstance(error, PermissionError):
        return f"you may not use {path}. Run this as the user who runs the director, or as root."
    if isinstance(error, TimeoutError):
        return f"the director at {path} does not answer in time; look at its log."
    if len(str(path)) > LONGEST_PATH:
        return f"the path {path} is too long for a unix socket; choose a shorter state_dir."
    return f"the director at {path} cannot be asked: {error}"
