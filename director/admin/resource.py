"""The gate and the router: from a Twisted request to a `Call`, from an `Answer` to bytes.

Every request passes here, on the listener and on the control socket: security headers are
set first, then Host, length, and who it is are checked, then Klein routes by the table of
`routes`.  Whatever goes wrong ends in `{"error": …, "at": …}`, never in a traceback.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, TypeAlias

from attrs import frozen
from klein import Klein
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import Request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect

from director.admin import edits
from director.admin.accounts import NOBODY, Principal
from director.admin.answers import SECURITY_HEADERS, Answer, Refusal, as_error, as_html
from director.admin.api import Api, Call, refused_config
from director.admin.authenticator import Authenticator, Credentials
from director.admin.files import load
from director.admin.page_routes import ENTRANCES
from director.admin.pages import sign_in
from director.admin.pages.refusal import refused
from director.admin.rendering import Pieces
from director.admin.requests import API, LOOPBACK_NAMES, asked_host, header, headers, peer, query, readable
from director.admin.route import HTML, ApiRoute
from director.admin.routes import ROUTES
from director.admin.streaming import StreamReaders
from director.admin.turns import Turns
from director.errors import ChangeRefused, ConfigError, DirectorError, SchedulerError

LARGEST_BODY = 64 * 1024
NO_CONTENT = 204
WORK_SECONDS = 30.0
"""How long a caller waits for a check or a reload; the work itself goes on."""

log = Logger()


Method: TypeAlias = Callable[[Call], "Answer | Deferred[Answer]"]


@frozen
class ListenerPolicy:
    """What is special about one listener.

    Attributes:
        names: host names a request may ask for, without port or brackets.
        control: True on the control socket, where the rights of the file decide who comes.
    """

    names: frozenset[str] = LOOPBACK_NAMES
    control: bool = False


def klein_path(path: str) -> str:
    """`/pools/{pool}` as Klein writes it."""
    return re.sub(r"{(\w+)}", r"<string:\1>", path)


class AdminResource(Resource):
    """The root of a site.

    Args:
        parts: whose methods answer the routes of the API that `api` does not.
        clock: for time-outs; the reactor.
        turns: the admin's share of the loop.
        now: monotonic seconds.
    """

    isLeaf = True

    def __init__(
        self,
        api: Api,
        parts: Sequence[object],
        authenticator: Authenticator,
        listening: ListenerPolicy,
        clock: IReactorTime,
        turns: Turns,
        now: Callable[[], float],
    ) -> None:
        super().__init__()
        self._api = api
        self._methods = methods(*parts, api)
        self._authenticator = authenticator
        self._listening = listening
        self._clock = clock
        self._turns = turns
        self._followers = StreamReaders(clock, turns)
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
            asked_host(headers(request, b"host"), self._listening.names)
            if request.uri == b"*":
                return self._whole_server(request)
            readable(request)
        except Refusal as refusal:
            return _put(request, as_error(refusal))
        return self._klein.render(request)

    def _whole_server(self, request: Request) -> bytes:
        """`OPTIONS *` asks of the server as a whole (RFC 9110 9.3.7); nothing else may ask so."""
        if request.method != b"OPTIONS":
            raise Refusal(405, "only OPTIONS may ask for *", "method", (("Allow", "OPTIONS"),))
        methods = ", ".join(sorted({"HEAD", "OPTIONS", *(route.method for route in ROUTES)}))
        return _put(request, Answer(headers=(("Allow", methods),)))

    # -- one request --

    def _serve(self, route: ApiRoute, request: Request, **path: str) -> Any:
        method = request.method.decode("ascii", "replace")
        if method not in {route.method, "HEAD" if route.method == "GET" else ""}:
            # The router folds case; methods are case-sensitive (RFC 9110 9.1).
            raise Refusal(405, f"use {route.method}, in capitals", "method", (("Allow", route.method),))
        credentials = self._credentials(request)
        try:
            principal = self._authenticator.admit(route, credentials)
        except Refusal as refusal:
            if route.gives == HTML and refusal.status == 401:
                return _put(request, as_html(sign_in.login(), 401, refusal.headers))
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
            waiting.addTimeout(WORK_SECONDS * route.patience, self._clock)
            return waiting.addCallback(partial(self._write, request, credentials))
        return self._write(request, credentials, answer)

    def _answer(
        self,
        route: ApiRoute,
        request: Request,
        path: dict[str, str],
        credentials: Credentials,
        principal: Principal | None,
    ) -> Answer | Deferred[Answer]:
        asked = query(request, route)
        if route.name in ENTRANCES:
            return self._entrance(route, path, asked, credentials)
        if route.method != "GET" and not route.takes:
            edits.no_fields(credentials.body)
        call = Call(
            path=path,
            query=asked,
            body=credentials.body,
            principal=principal or NOBODY,
            if_match=", ".join(headers(request, b"if-match")),
            accept=header(request, b"accept"),
            last_event=header(request, b"last-event-id"),
        )
        return self._methods[route.name](call)

    def _entrance(
        self, route: ApiRoute, path: dict[str, str], query: dict[str, str], credentials: Credentials
    ) -> Answer | Deferred[Answer]:
        if route.name == "static":
            file = self._files.get(path["file"])
            if file is None:
                raise Refusal(404, "There is no such file", "/static/")
            return Answer(body=file.body, type=file.type)
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
            host=header(request, b"host"),
            scheme="https" if request.isSecure() else "http",
            peer=peer(request) if self._listening.control else "",
            authorization=header(request, b"authorization"),
            cookie=(request.getCookie(name.encode()) or b"").decode("ascii", "replace"),
            cookie_name=name,
            origins=tuple(headers(request, b"origin")),
            fetch_sites=tuple(headers(request, b"sec-fetch-site")),
            csrf=header(request, b"x-csrf-token"),
            content_type=header(request, b"content-type"),
            body=body,
        )

    def _write(self, request: Request, credentials: Credentials, answer: Answer) -> bytes | Deferred[None]:
        if answer.feed is not None and credentials.method != "HEAD":
            self._followers.demand_room()
            _start(request, answer)
            welcome = self._authenticator.still_welcome
            return self._followers.begin(request, answer.feed, lambda: welcome(credentials, self._now()))
        if answer.pieces is None:
            return _put(request, answer)
        pieces = iter(answer.pieces)
        _start(request, answer)
        return Pieces(request, pieces, self._turns).done

    # -- what goes wrong --

    def _failed(self, request: Request, failure: Failure) -> bytes:
        answer = failed(failure.value, failure)
        if not request.path.startswith(API.encode()) and "text/html" in header(request, b"accept"):
            answer = _page_of(answer)
        return _put(request, answer)


def methods(*parts: object) -> dict[str, Method]:
    """What answers each route of the API: the method of that name of the first part that has one."""
    return {
        route.name: next(getattr(part, route.name) for part in parts if hasattr(part, route.name))
        for route in ROUTES
        if route.name not in ENTRANCES
    }


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


def _page_of(answer: Answer) -> Answer:
    """A refusal for people: a browser that shows pages gets one."""
    said = json.loads(answer.body)
    since = [text for change in said.get("since", ()) for text in change["diff"]]
    text = refused(answer.status, said["error"], said.get("problems", ()), since)
    return as_html(text, answer.status, answer.headers)


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


# --- the answer --------------------------------------------------------------------------------


def _start(request: Request, answer: Answer) -> None:
    request.setResponseCode(answer.status, HTTPStatus(answer.status).phrase.encode())
    if answer.type and answer.status != NO_CONTENT:
        request.setHeader(b"content-type", answer.type.encode())
    for name, value in answer.headers:
        request.setHeader(name.encode(), value.encode("utf-8", "replace"))


def _put(request: Request, answer: Answer) -> bytes:
    _start(request, answer)
    if answer.status != NO_CONTENT:
        # RFC 9110 8.6: a 204 has no length.
        request.setHeader(b"content-length", b"%d" % len(answer.body))
    return answer.body
