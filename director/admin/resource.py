"""The gate and the router: from a Twisted request to a `Call`, from an `Answer` to bytes.

Every request passes here, on the listener and on the control socket: security headers are
set first, then Host, length, and who it is are checked, then Klein routes by the table of
`routes`.  Whatever goes wrong ends in `{"error": …, "at": …}`, never in a traceback.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import struct
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from typing import Any

from attrs import frozen
from klein import Klein
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import Request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect
from zope.interface import implementer

from director.admin import edits, pages
from director.admin.answers import SECURITY_HEADERS, Answer, Refusal, as_error, as_html
from director.admin.api import Api, Call, refused_config
from director.admin.authenticator import Authenticator, Credentials, Principal
from director.admin.files import load
from director.admin.routes import HTML, NOT_THE_API, ROUTES, ApiRoute
from director.errors import ChangeRefused, ConfigError, DirectorError, SchedulerError

LARGEST_BODY = 64 * 1024
WORK_SECONDS = 30.0
"""How long a caller waits for a check or a reload; the work itself goes on."""
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?")

log = Logger()


@frozen
class ListenerPolicy:
    """What is special about one listener.

    Attributes:
        names: host names a request may ask for, without port or brackets.
        control: True on the control socket, where the rights of the file decide who comes.
    """

    names: frozenset[str] = LOOPBACK_NAMES
    control: bool = False


def asked_host(values: list[str], names: frozenset[str]) -> str:
    """The Host as sent.  Raises Refusal when there is not exactly one good one that means us."""
    found = HOST.fullmatch(values[0]) if len(values) == 1 else None
    if found is None:
        raise Refusal(400, "send exactly one valid Host", "Host")
    if found[1].strip("[]").lower() not in names:
        raise Refusal(421, "this listener does not answer to that name; use its address", "Host")
    return values[0]


def klein_path(path: str) -> str:
    """`/pools/{pool}` as Klein writes it."""
    return re.sub(r"{(\w+)}", r"<string:\1>", path)


class AdminResource(Resource):
    """The root of a site.

    Args:
        clock: for time-outs; the reactor.
        now: monotonic seconds.
    """

    isLeaf = True

    def __init__(
        self,
        api: Api,
        authenticator: Authenticator,
        listening: ListenerPolicy,
        clock: IReactorTime,
        now: Callable[[], float],
    ) -> None:
        super().__init__()
        self._api = api
        self._authenticator = authenticator
        self._listening = listening
        self._clock = clock
        self._now = now
        self._files = load()
        self._klein = self._routed().resource()

    def _routed(self) -> Klein:
        app = Klein()
        app.url_map.merge_slashes = False
        for route in ROUTES:
            serve: Any = partial(self._serve, route)
            serve.__name__ = route.name
            app.route(klein_path(route.path), methods=[route.method])(serve)
        app.handle_errors(Exception)(self._failed)  # type: ignore[arg-type]
        return app

    def render(self, request: Request) -> object:
        """Headers, then the checks that need no route, then the router."""
        for name, value in SECURITY_HEADERS:
            request.setHeader(name.encode(), value.encode())
        request.responseHeaders.removeHeader(b"server")
        try:
            asked_host(_headers(request, b"host"), self._listening.names)
            _readable(request)
        except Refusal as refusal:
            return _put(request, as_error(refusal))
        return self._klein.render(request)

    # -- one request --

    def _serve(self, route: ApiRoute, request: Request, **path: str) -> Any:
        credentials = self._credentials(request)
        try:
            principal = self._authenticator.admit(route, credentials)
        except Refusal as refusal:
            if route.gives == HTML and refusal.status == 401:
                return _put(request, as_html(pages.login(), 401, refusal.headers))
            raise
        refreshed = self._api.refreshed(route.name)
        if refreshed is None:
            answer = self._answer(route, request, path, credentials, principal)
        else:
            # What other processes counted comes first; what it is asked afterwards may raise a refusal.
            answer = refreshed.addCallback(
                lambda _: self._answer(route, request, path, credentials, principal)
            )
        if isinstance(answer, Deferred):
            waiting: Deferred[Answer] = shielded(answer)
            waiting.addTimeout(WORK_SECONDS, self._clock)
            return waiting.addCallback(partial(self._write, request))
        return self._write(request, answer)

    def _answer(
        self,
        route: ApiRoute,
        request: Request,
        path: dict[str, str],
        credentials: Credentials,
        principal: Principal | None,
    ) -> Answer | Deferred[Answer]:
        query = _query(request)
        if route.name in NOT_THE_API:
            return self._page(route, path, query, credentials, principal)
        call = Call(
            path=path,
            query=query,
            body=credentials.body,
            author=principal.author if principal else "",
            if_match=", ".join(_headers(request, b"if-match")),
            accept=_header(request, b"accept"),
        )
        found: Answer | Deferred[Answer] = getattr(self._api, route.name)(call)
        return found

    def _page(
        self,
        route: ApiRoute,
        path: dict[str, str],
        query: dict[str, str],
        credentials: Credentials,
        principal: Principal | None,
    ) -> Answer:
        if route.name == "static":
            file = self._files.get(path["file"])
            if file is None:
                raise Refusal(404, "There is no such file", "/static/")
            return Answer(body=file.body, type=file.type)
        if route.name == "home":
            csrf = principal.session.csrf if principal and principal.session else ""
            return as_html(pages.home(self._api.overview(), csrf))
        if route.name == "login_page":
            return self._authenticator.login_page(query.get("token", ""), credentials)
        return (
            self._authenticator.login(credentials)
            if route.name == "login"
            else self._authenticator.logout(credentials)
        )

    def _credentials(self, request: Request) -> Credentials:
        body = request.content.read(LARGEST_BODY + 1) if request.content else b""
        if len(body) > LARGEST_BODY:
            raise Refusal(413, f"the body may have at most {LARGEST_BODY} bytes", "body")
        name = f"director-session-{getattr(request.getHost(), 'port', 0)}"
        return Credentials(
            method=request.method.decode("ascii", "replace"),
            address=str(getattr(request.getClientAddress(), "host", "")),
            now=self._now(),
            host=_header(request, b"host"),
            scheme="https" if request.isSecure() else "http",
            peer=peer(request) if self._listening.control else "",
            authorization=_header(request, b"authorization"),
            cookie=(request.getCookie(name.encode()) or b"").decode("ascii", "replace"),
            cookie_name=name,
            origin=_header(request, b"origin"),
            fetch_site=_header(request, b"sec-fetch-site"),
            csrf=_header(request, b"x-csrf-token"),
            content_type=_header(request, b"content-type"),
            body=body,
        )

    def _write(self, request: Request, answer: Answer) -> bytes | Deferred[None]:
        if answer.pieces is None:
            return _put(request, answer)
        pieces = iter(answer.pieces)
        _start(request, answer)
        return Pieces(request, pieces, self._clock).done

    # -- what goes wrong --

    def _failed(self, request: Request, failure: Failure) -> bytes:
        return _put(request, failed(failure.value, failure))


def failed(error: BaseException | None, failure: Failure | None = None) -> Answer:
    """The answer for anything raised while a request was served; a surprise is logged, not shown."""
    if isinstance(error, Refusal):
        return as_error(error)
    if isinstance(error, edits.BadOrder):
        return as_error(Refusal(400, str(error), error.at))
    if isinstance(error, ChangeRefused):
        return as_error(Refusal(edits.status_of(error), str(error), error.at))
    if isinstance(error, SchedulerError):
        return as_error(Refusal(409, str(error), "scheduler"))
    if isinstance(error, ConfigError):
        return refused_config(error.problems)
    if isinstance(error, DirectorError):
        return as_error(Refusal(409, f"nothing was changed: {error}", "config"))
    if isinstance(error, HTTPException):
        return _routing(error)
    if isinstance(error, DeferredTimeout):
        return as_error(Refusal(504, "it takes longer than 30 s; the events will tell how it ends"))
    log.failure("The admin failed at a request", failure)
    return as_error(Refusal(500, "a fault of the director; its log has the details"))


def _routing(error: HTTPException) -> Answer:
    if isinstance(error, MethodNotAllowed):
        allow = ", ".join(sorted(error.valid_methods or ()))
        return as_error(Refusal(405, f"use {allow}", "method", (("Allow", allow),)))
    if isinstance(error, RequestRedirect) or error.code is None or error.code == 404:
        return as_error(Refusal(404, "There is no such page; /openapi.json lists the API"))
    return as_error(Refusal(error.code, error.name))


def shielded(work: Deferred[Any]) -> Deferred[Any]:
    """A Deferred that can be cancelled (time-out, caller gone) while the work goes on."""
    shown: Deferred[Any] = Deferred()

    def good(result: object) -> None:
        if not shown.called:
            shown.callback(result)

    def bad(failure: Failure) -> None:
        if not shown.called:
            shown.errback(failure)
        else:
            log.failure("Work whose caller did not wait failed", failure)

    work.addCallbacks(good, bad)
    return shown


@implementer(IPushProducer)
class Pieces:
    """Writes a long answer piece by piece: at the reader's speed, one piece each turn of the reactor."""

    def __init__(self, request: Request, pieces: Iterator[bytes], clock: IReactorTime) -> None:
        self._request = request
        self._pieces = pieces
        self._clock = clock
        self._paused = False
        self._waiting = False
        self.done: Deferred[None] = Deferred(lambda _: self.stopProducing())
        request.registerProducer(self, True)
        self._step()

    def _step(self) -> None:
        self._waiting = False
        if self._paused or self.done.called:
            return
        piece = next(self._pieces, None)
        if piece is None:
            self._request.unregisterProducer()
            self.done.callback(None)
            return
        self._request.write(piece)
        self._again()

    def _again(self) -> None:
        if not self._paused and not self._waiting:
            self._waiting = True
            self._clock.callLater(0, self._step)

    def pauseProducing(self) -> None:
        """The reader is slow."""
        self._paused = True

    def resumeProducing(self) -> None:
        """There is room again."""
        self._paused = False
        self._again()

    def stopProducing(self) -> None:
        """The reader is gone."""
        self._paused = True


# --- Twisted's request, read and written ------------------------------------------------------


def _headers(request: Request, name: bytes) -> list[str]:
    return [value.decode("latin-1") for value in request.requestHeaders.getRawHeaders(name) or ()]


def _header(request: Request, name: bytes) -> str:
    """The one value, or nothing when there are none or several."""
    values = _headers(request, name)
    return values[0] if len(values) == 1 else ""


def _query(request: Request) -> dict[str, str]:
    """The first value of each query parameter; what has no `=` is there, too, and empty."""
    words = request.uri.partition(b"?")[2].split(b"&")
    found = {word.decode("ascii", "replace"): "" for word in words if b"=" not in word}
    for name, values in request.args.items():
        found.setdefault(name.decode("utf-8", "replace"), values[0].decode("utf-8", "replace"))
    return found


def _readable(request: Request) -> None:
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


def _start(request: Request, answer: Answer) -> None:
    request.setResponseCode(answer.status, HTTPStatus(answer.status).phrase.encode())
    request.setHeader(b"content-type", answer.type.encode())
    for name, value in answer.headers:
        request.setHeader(name.encode(), value.encode("utf-8", "replace"))


def _put(request: Request, answer: Answer) -> bytes:
    _start(request, answer)
    request.setHeader(b"content-length", b"%d" % len(answer.body))
    return answer.body


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
