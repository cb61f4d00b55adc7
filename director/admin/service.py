"""The admin as a Twisted service: token, listener, control socket, and the pulse of the rates.

The composition root makes one with its `Control`.  A listener that cannot be bound is an
event and a `Listener` with its reason: traffic goes on without a page.
"""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from socket import AF_UNIX, socket
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.threads import deferToThreadPool
from twisted.internet.unix import Port
from twisted.logger import Logger
from twisted.python.failure import Failure

from director.admin.access import Access
from director.admin.api import Api
from director.admin.authenticator import Accounts, Authenticator
from director.admin.browsing import Pages
from director.admin.chronicle import HourBook
from director.admin.control import Control
from director.admin.downloads import Downloads
from director.admin.events import Events
from director.admin.explaining import Explaining
from director.admin.orders import Orders
from director.admin.passwords import PasswordCheck
from director.admin.pulse import PERIOD, Pulse
from director.admin.rehearsals import RehearsalRoutes
from director.admin.reloads import Reloads
from director.admin.requests import LOOPBACK_NAMES, loopback
from director.admin.resource import AdminResource, ListenerPolicy
from director.admin.searches import Searches
from director.admin.sessions import Links, Sessions
from director.admin.site import AdminSite
from director.admin.tokenfile import load_token, make_token
from director.admin.tokens import TOKENS_FILE, Tokens
from director.admin.trends import History
from director.admin.turns import Turns
from director.errors import DirectorError, unbound
from director.model.pools import Address
from director.registry.reports import ListenerState

TOKEN_FILE = "admin.token"  # noqa: S105 - a file's name
SOCKET_FILE = "control.sock"
SOCKET_MODE = 0o600
TRY_AGAIN = 2.0
"""Seconds until a port that another program has is tried again."""
LONGEST_SOCKET_PATH = 107
"""Bytes of a unix socket's path (unix(7): 108 with the NUL)."""

_log = Logger()


def new_id() -> str:
    """A session's id: 256 random bits."""
    return secrets.token_urlsafe(32)


def check_listen(listen: Address) -> None:
    """Raises DirectorError when others than this machine could reach the admin in clear text."""
    if not listen.path and not listen.endpoint and not loopback(listen.host):
        raise DirectorError(
            f"[admin] listen = {listen}: without TLS the admin listens on a loopback address only; "
            "use 127.0.0.1 or [::1], and reach it from elsewhere through ssh -L"
        )


def answering(
    control: Control, clock: IReactorTime, api: Api, access: Access, chronicle: HourBook
) -> tuple[object, ...]:
    """The parts whose methods answer the routes."""
    orders = Orders(control, clock), Reloads(control), RehearsalRoutes(control), access, Explaining(control)
    searches = Searches(control, chronicle), Events(control)
    pages = Downloads(api, control), Pages(api, control, partial(_method, (*orders, *searches)))
    return *orders, *searches, *pages


def _method(parts: Sequence[object], name: str) -> Any:
    return next(getattr(part, name) for part in parts if hasattr(part, name))


def _taken_over(reactor: Any, sock: socket, site: AdminSite) -> Any:
    """A port of a socket that listens already."""
    if sock.family == AF_UNIX:
        # `adoptStreamPort` would open the path to everybody (its mode is 0666).
        port: Any = Port._fromListeningDescriptor(reactor, sock.fileno(), site)  # noqa: SLF001
        port.mode = SOCKET_MODE
        port.startListening()
    else:
        port = reactor.adoptStreamPort(sock.fileno(), sock.family, site)
    sock.close()
    return port


class AdminService(Service):
    """Serves the admin from start to stop.

    Args:
        control: the running program.
        listen: `[admin] listen`, or None for the control socket alone.
        state_dir: where the token and the control socket lie.
        reactor: Twisted's, or a memory reactor.
        inherited: the listening sockets that the program before left, by their addresses.
    """

    def __init__(
        self,
        control: Control,
        listen: Address | None,
        state_dir: Path,
        reactor: Any,
        inherited: Callable[[str], socket | None] = lambda _address: None,
    ) -> None:
        if listen is not None:
            check_listen(listen)
        self._control = control
        self._listen = listen
        self._state_dir = state_dir
        self._reactor = reactor
        self._inherited = inherited
        self._turns = Turns(reactor, time.thread_time)
        self._history = History()
        self._pulse = Pulse(control, self._history, self._turns, state_dir, self._in_thread)
        self._beats = self._pulse.looping(reactor)
        self._ports: list[Any] = []
        self._resting = False
        self._listeners: list[ListenerState] = []
        self._again: IDelayedCall | None = None
        self._authenticator: Authenticator | None = None
        self._printed = ""

    @property
    def page(self) -> str:
        """Where the page is; empty without a bound TCP listener."""
        for port in self._ports:
            host = port.getHost()
            if hasattr(host, "port"):
                return f"http://{Address(host.host, host.port)}"
        return ""

    @property
    def link(self) -> str:
        """The link to be printed at start; empty without a bound TCP listener."""
        self._printed = self._printed or self.make_link()
        return self._printed

    def make_link(self) -> str:
        """A new link that signs in once and soon; empty where there is no page."""
        page, authenticator = self.page, self._authenticator
        if not page or authenticator is None:
            return ""
        return f"{page}/login?token={authenticator.links.make(self._now())}"

    def rotate(self) -> str:
        """Make a new token and sign everybody out; returns the file that has it.

        Raises OSError, and the old token stays good.
        """
        path = self._state_dir / TOKEN_FILE
        token = make_token(path)
        if self._authenticator is not None:
            self._authenticator.take_token(token)
        _log.info("the admin token is another one now; everybody signs in anew")
        return str(path)

    @property
    def control_socket(self) -> str:
        """Where the commands reach this program; empty when that could not be opened."""
        path = Address(path=str(self._state_dir / SOCKET_FILE))
        bound = any(one.bound and one.address == str(path) for one in self._listeners)
        return path.path if bound else ""

    def listeners(self) -> tuple[ListenerState, ...]:
        """The admin's own, for `Control.listeners` and `readiness`."""
        return tuple(self._listeners)

    def startService(self) -> None:
        """Read or make the token, then listen."""
        super().startService()
        accounts = Accounts(self._control.users, self._known_tokens(), PasswordCheck(self._in_thread))
        authenticator = Authenticator(self._known_token(), Sessions(new_id), Links(new_id), accounts)
        self._authenticator = authenticator
        access = Access(self, accounts, authenticator.sessions, self._control.moment)
        api = Api(self._control, self._history, authenticator.counted, self._pulse.chronicle)
        parts = answering(self._control, self._reactor, api, access, self._pulse.chronicle)
        path = Address(path=str(self._state_dir / SOCKET_FILE))
        self._open(path, self._site(api, parts, authenticator, ListenerPolicy(control=True)))
        if self._listen is not None:
            names = LOOPBACK_NAMES | {self._listen.host.lower()}
            self._open(self._listen, self._site(api, parts, authenticator, ListenerPolicy(names - {""})))
        self._pulse.start()
        self._beats.start(PERIOD)

    def _known_token(self) -> str:
        """The token of the file, or one for this run alone when there can be no file."""
        path = self._state_dir / TOKEN_FILE
        try:
            token, note = load_token(path)
        except OSError as error:
            _log.warn(
                "cannot keep the admin token in {path}: {reason}; a new one serves until this run ends. "
                "Make room there, or make state_dir writable",
                path=str(path),
                reason=error.strerror,
            )
            return new_id()
        if note:
            _log.info("{note}", note=note)
        return token

    def _in_thread(self, work: Callable[[], Any]) -> Deferred[Any]:
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work)

    def _known_tokens(self) -> Tokens:
        """Those of users; without a file that can be used there are none."""
        path = self._state_dir / TOKENS_FILE
        tokens = Tokens(path, self._control.users, new_id, lambda: self._control.moment().time)
        try:
            tokens.load()
        except DirectorError as error:
            _log.error("{why}", why=str(error))
        return tokens

    def _site(
        self, api: Api, parts: Sequence[object], authenticator: Authenticator, listening: ListenerPolicy
    ) -> AdminSite:
        resource = AdminResource(api, parts, authenticator, listening, self._reactor, self._turns, self._now)
        return AdminSite(resource, self._reactor, self._turns, authenticator.counted)

    def _now(self) -> float:
        return self._control.moment().now

    def sockets(self) -> dict[str, int]:
        """Descriptors of what listens, by its address."""
        bound = [one.address for one in self._listeners if one.bound]
        return dict(zip(bound, (port.fileno() for port in self._ports), strict=True))

    def pause(self) -> None:
        """Accept nobody more: another program does, from the same sockets.  `stopService` leaves them."""
        self._resting = True
        for port in self._ports:
            port.stopReading()
            self._unlock(port)
        self._pulse.stop()

    def resume(self) -> None:
        """Accept again."""
        self._resting = False
        for port in self._ports:
            port.startReading()

    @staticmethod
    def _unlock(port: Any) -> None:
        """Twisted's mark beside a unix socket names this process; the next one needs none."""
        lock = getattr(port, "lockFile", None)
        if lock is not None and lock.locked:
            lock.unlock()
            port.lockFile = None

    def _open(self, address: Address, site: AdminSite) -> None:
        left = self._inherited(str(address))
        if left is not None:
            self._bound(_taken_over(self._reactor, left, site), address)
            return
        try:
            if address.endpoint:
                serverFromString(self._reactor, address.endpoint).listen(site).addCallbacks(
                    self._bound, self._unbound, callbackArgs=(address,), errbackArgs=(address, site)
                )
                return
            port = self._unix(address.path, site) if address.path else self._tcp(address, site)
        except (CannotListenError, OSError, DirectorError) as error:
            self._unbound(Failure(error), address, site)
        else:
            self._bound(port, address)

    def _tcp(self, address: Address, site: AdminSite) -> Any:
        return self._reactor.listenTCP(address.port, site, interface=address.host)

    def _unix(self, path: str, site: AdminSite) -> Any:
        """Bind with mode 0600 from the first moment; a lock file tells a dead socket from a live one."""
        if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
            raise DirectorError(f"the path {path} is too long for a unix socket; choose a shorter state_dir")
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mask = os.umask(0o177)
        try:
            return self._reactor.listenUNIX(path, site, mode=SOCKET_MODE, wantPID=True)
        finally:
            os.umask(mask)

    def _bound(self, port: Any, address: Address) -> None:
        host = getattr(port.getHost(), "host", "")
        if host and not loopback(host):
            port.stopListening()
            self._unbound(Failure(DirectorError("without TLS only a loopback address is used")), address)
            return
        self._ports.append(port)
        if self._put(ListenerState("admin", str(address))):
            _log.info("the admin listens on {at} now", at=str(address))

    def _unbound(self, failure: Failure, address: Address, site: AdminSite | None = None) -> None:
        """Try again with `site` where another program has the port, which may let it go."""
        reason = unbound(failure.value, address.path)
        cause = getattr(failure.value, "socketError", failure.value)
        if site is not None and not address.path and getattr(cause, "errno", 0) == errno.EADDRINUSE:
            reason += "; it is tried again"
            self._again = self._reactor.callLater(TRY_AGAIN, self._open, address, site)
        if not self._put(ListenerState("admin", str(address), bound=False, error=reason)):
            _log.error(
                "the admin does not listen on {at}: {reason} (traffic is not concerned)",
                at=str(address),
                reason=reason,
            )

    def _put(self, state: ListenerState) -> bool:
        """This is how it is with a listener now; says whether another state of it was known."""
        others = [one for one in self._listeners if one.address != state.address]
        known = len(others) < len(self._listeners)
        self._listeners = [*others, state]
        return known

    def stopService(self) -> Deferred[Any]:
        """Stop listening."""
        if self._beats.running:
            self._beats.stop()
            if not self._resting:
                self._pulse.stop()
        if self._again is not None and self._again.active():
            self._again.cancel()
        ports, self._ports, self._listeners = [] if self._resting else self._ports, [], []
        return DeferredList(
            [maybeDeferred(super().stopService), *(maybeDeferred(one.stopListening) for one in ports)]
        )
