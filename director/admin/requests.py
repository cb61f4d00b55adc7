"""What a request says, read from Twisted's object with care: names, fields, parameters, and who sends it.

`resource` asks; each answer is a plain value, or a `Refusal` with what would be right.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import socket
import struct
from collections.abc import Sequence
from urllib.parse import parse_qsl

from twisted.web.server import Request

from director.admin.answers import Refusal
from director.admin.route import ApiRoute

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
API = "/api/"
MOST_PARAMETERS = 32
LONGEST_FORM = 4096
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?")


def asked_host(values: list[str], names: frozenset[str]) -> str:
    """The Host as sent.  Raises Refusal when there is not exactly one good one that means us."""
    found = HOST.fullmatch(values[0]) if len(values) == 1 else None
    if found is None:
        raise Refusal(400, "send exactly one valid Host", "Host")
    if found[1].strip("[]").lower() not in names:
        raise Refusal(421, "this listener does not answer to that name; use its address", "Host")
    return values[0]


def headers(request: Request, name: bytes) -> list[str]:
    """Every field of that name."""
    return [value.decode("latin-1") for value in request.requestHeaders.getRawHeaders(name) or ()]


def header(request: Request, name: bytes) -> str:
    """The one value, or nothing when there are none or several."""
    values = headers(request, name)
    return values[0] if len(values) == 1 else ""


def query(request: Request, route: ApiRoute) -> dict[str, str]:
    """The query's parameters; what has no `=` is there, too, and empty.

    Raises Refusal where a route of the API does not know one, or one comes twice: a word that is passed over
    in silence turns a rehearsal into the deed.
    """
    text = request.uri.partition(b"?")[2].decode("ascii", "replace")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=MOST_PARAMETERS)
    except ValueError as error:
        raise Refusal(400, f"the query has more than {MOST_PARAMETERS} parameters", "query") from error
    found: dict[str, str] = {}
    for name, value in pairs:
        if route.path.startswith(API) and name not in (known := [one for one, _ in route.query]):
            raise Refusal(400, f"unknown parameter {name[:40]!r}; {advice(name, known)}", name[:40])
        if route.path.startswith(API) and name in found:
            raise Refusal(400, f"the parameter {name} comes twice", name)
        found.setdefault(name, value)
    return found


def advice(name: str, known: Sequence[str]) -> str:
    """The nearest of what is known, or all of it."""
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known here: {', '.join(known)}" if known else "this route has none"


def readable(request: Request) -> None:
    """Routing needs text: a path that is not UTF-8, or holds control characters, is refused."""
    try:
        text = b"/".join(request.postpath or ()).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal(400, "the path is not UTF-8", "path") from error
    if not request.uri.startswith(b"/") or any(ord(one) < 0x20 or ord(one) == 0x7F for one in text):
        raise Refusal(400, "the path must begin with / and hold no control characters", "path")
    segments = request.postpath or []
    if b"" in segments[:-1] or any(b"/" in segment for segment in segments):
        raise Refusal(404, "There is no such page; no name is empty or holds a slash", "path")


def peer(request: Request) -> str:
    """Who is at the other end of the control socket (SO_PEERCRED of unix(7))."""
    transport = getattr(request.channel, "transport", None)
    connection = getattr(transport, "socket", None)
    if connection is None:
        return "the control socket"
    try:
        facts = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    except OSError:
        return "the control socket"
    return f"uid {struct.unpack('3i', facts)[1]} on the control socket"


def loopback(host: str) -> bool:
    """Is it an address that only this machine reaches?"""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def form(body: bytes) -> dict[str, str]:
    """The fields of a small form.  Raises Refusal for anything larger or stranger."""
    if len(body) > LONGEST_FORM:
        raise Refusal(413, "the form is too large", "body")
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=8))
    except ValueError as error:
        raise Refusal(400, "the form cannot be read", "body") from error
