"""Who may come in and do what: tokens, sessions, roles, and what a write from a browser must show.

Pure but for the clock's value that is passed in.  `resource` gives the facts of a request
as a `Credentials`; the authenticator says who it is, or raises the `Refusal` to answer with.
"""

from __future__ import annotations

from attrs import field, frozen
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from director.admin.accounts import ADMIN, Principal, Standing, Users, mark, may, named, standing
from director.admin.answers import Answer, Headers, Refusal, as_html, see_other
from director.admin.pages import sign_in
from director.admin.passwords import PasswordCheck
from director.admin.requests import form
from director.admin.route import FORM, OPEN, ApiRoute
from director.admin.sessions import ABSOLUTE_SECONDS, Links, Sessions, Throttle, same
from director.admin.tokens import Tokens

SAFE = frozenset({"GET", "HEAD"})
FROM_HERE = frozenset({"same-origin", "none"})
"""Values of Sec-Fetch-Site of our own pages and of people who type an address."""
COUNTED = ("sign_ins", "sign_ins_refused", "writes_refused", "connections_cut", "connections_refused")
CHALLENGE: Headers = (("WWW-Authenticate", 'Bearer realm="director"'),)
HOW = "sign in with a link from `director token link`, or send Authorization: Bearer with a token"
SOCKET = "the control socket"
NAME_SHOWN = 40
"""Characters of a name that nobody has, in the log."""

_log = Logger()


@frozen
class Credentials:
    """Facts of one request.

    Attributes:
        address: the peer's address without port.
        peer: who is at the other end of the control socket, empty on a network listener.
        cookie: the session cookie's value; `cookie_name` its name on this listener.
        origins, fetch_sites: every Origin and Sec-Fetch-Site field.
        csrf: the X-CSRF-Token header.
    """

    method: str
    address: str
    now: float
    host: str = ""
    scheme: str = "http"
    peer: str = ""
    authorization: str = field(default="", repr=False)
    cookie: str = field(default="", repr=False)
    cookie_name: str = "director-session"
    origins: tuple[str, ...] = ()
    fetch_sites: tuple[str, ...] = ()
    csrf: str = field(default="", repr=False)
    content_type: str = ""
    body: bytes = field(default=b"", repr=False)


@frozen
class Accounts:
    """The users of the configuration, the tokens that they have, and how passwords are looked at."""

    users: Users
    tokens: Tokens
    passwords: PasswordCheck


class Authenticator:
    """One for all listeners of the admin."""

    def __init__(self, token: str, sessions: Sessions, links: Links, accounts: Accounts) -> None:
        self._token = token
        self._accounts = accounts
        self.sessions = sessions
        self.links = links
        self.throttle = Throttle()
        self.counted = dict.fromkeys(COUNTED, 0)

    def admit(self, route: ApiRoute, credentials: Credentials) -> Principal | None:
        """The principal, or None on an open route without one.  Raises Refusal (401, 403, 415, 429)."""
        principal = self._principal(credentials)
        if principal is None and route.access != OPEN:
            raise Refusal(401, HOW, route.path, CHALLENGE)
        if principal is not None and route.access != OPEN:
            self._allowed(route, principal)
        if credentials.method not in SAFE and not credentials.peer:
            self._same_site(credentials)
            if principal and principal.session:
                self._own_form(route, credentials, principal.csrf)
        if route.takes and credentials.content_type.partition(";")[0].strip().lower() != route.takes:
            raise Refusal(415, f"send the body with Content-Type: {route.takes}", "Content-Type")
        return principal

    def _allowed(self, route: ApiRoute, principal: Principal) -> None:
        if not may(principal.role, route.access):
            self.counted["writes_refused"] += 1
            raise Refusal(
                403, f"this needs the role {route.access}; {principal.author} is {principal.role}", route.path
            )

    def _principal(self, credentials: Credentials) -> Principal | None:
        if credentials.peer:
            return Principal(credentials.peer, ADMIN, SOCKET)
        if credentials.authorization:
            scheme, _, token = credentials.authorization.partition(" ")
            found = self._bearer(token.strip(), credentials.address) if scheme.lower() == "bearer" else None
            if found is None:
                self._wrong(credentials)
                raise Refusal(401, f"the token is not right; {HOW}", "Authorization", CHALLENGE)
            return found
        return self._session(credentials, credentials.now)

    def _bearer(self, text: str, address: str) -> Principal | None:
        if same(text, self._token):
            return Principal("the admin token", ADMIN, address)
        found = self._accounts.tokens.find(text)
        if found is None:
            return None
        token, role = found
        return Principal(f"{token.user} by token {token.id}", role, address, token.user)

    def _session(self, credentials: Credentials, now: float) -> Principal | None:
        """Whose session it is; one whose user changed under it ends."""
        session = self.sessions.find(credentials.cookie, now) if credentials.cookie else None
        if session is None:
            return None
        user, role = session.standing.user, session.standing.now(self._accounts.users)
        if not role:
            self.sessions.close(credentials.cookie)
            _log.info("the session of {user} ended: their section of the configuration changed", user=user)
            return None
        return Principal(
            user or "the admin page", role, credentials.address, user, session.shown, session.csrf
        )

    def still_welcome(self, credentials: Credentials, now: float) -> bool:
        """Whether who was admitted with these would be admitted now."""
        if credentials.peer:
            return True
        if credentials.authorization:
            text = credentials.authorization.partition(" ")[2].strip()
            return self._bearer(text, credentials.address) is not None
        return self._session(credentials, now) is not None

    def _wrong(self, credentials: Credentials) -> None:
        """Count a wrong secret.  Raises Refusal (429) when there were too many."""
        self.counted["sign_ins_refused"] += 1
        self._spend(credentials)

    def _spend(self, credentials: Credentials) -> None:
        wait = self.throttle.failed(credentials.address, credentials.now)
        if wait:
            seconds = str(int(wait) + 1)
            raise Refusal(
                429, f"too many wrong log-ins; wait {seconds} s", "token", (("Retry-After", seconds),)
            )

    def _same_site(self, credentials: Credentials) -> None:
        """A browser says where a write comes from; from elsewhere, or from two places, it is refused."""
        own = f"{credentials.scheme}://{credentials.host}"
        origins, sites = credentials.origins, credentials.fetch_sites
        foreign = any(one != own for one in origins) or not FROM_HERE.issuperset(sites)
        if foreign or len(origins) > 1 or len(sites) > 1:
            self.counted["writes_refused"] += 1
            raise Refusal(403, "a write must come from the director's own page", "Origin")

    def _own_form(self, route: ApiRoute, credentials: Credentials, csrf: str) -> None:
        """A write with a session needs its CSRF token, as a header or as a field of the form."""
        given = credentials.csrf
        if not given and route.takes == FORM:
            given = form(credentials.body).get("csrf", "")
        if not same(given, csrf):
            self.counted["writes_refused"] += 1
            raise Refusal(
                403, "send the session's token as X-CSRF-Token; reload the page to get it", "X-CSRF-Token"
            )

    # -- signing in and out --

    def login_page(self, query_token: str, credentials: Credentials) -> Answer:
        """A link signs in, once; without one the form is shown.  HEAD only looks (RFC 9110 9.3.2)."""
        if credentials.peer:
            return see_other("/")
        if not query_token or credentials.method != "GET":
            return as_html(sign_in.login())
        if self.links.take(query_token, credentials.now):
            return self._signed_in(credentials, Standing())
        if credentials.cookie and self.sessions.find(credentials.cookie, credentials.now):
            # Who follows the link again in the same browser is in already.
            return see_other("/")
        return self._refused(credentials, "This link was used already, or is too old.")

    def login(self, credentials: Credentials) -> Answer | Deferred[Answer]:
        """The form: a name and its password, or the admin's token."""
        if credentials.peer:
            return see_other("/")
        given = form(credentials.body)
        if given.get("user"):
            return self._by_password(credentials, given["user"], given.get("password", ""))
        if same(given.get("token", "").strip(), self._token):
            return self._signed_in(credentials, Standing())
        return self._refused(credentials, "This is not the admin token of this director.")

    def _by_password(self, credentials: Credentials, name: str, password: str) -> Answer | Deferred[Answer]:
        """Counted as wrong before it is looked at, so that many at once are no way around the brake."""
        try:
            self._spend(credentials)
        except Refusal as refusal:
            return as_html(sign_in.login(str(refusal)), refusal.status, refusal.headers)
        user = named(self._accounts.users, name)
        try:
            looked = self._accounts.passwords.check(user.password if user else "", password)
        except Refusal as refusal:
            self.throttle.forgive(credentials.address)
            return as_html(sign_in.login(str(refusal)), refusal.status, refusal.headers)

        def known(fits: bool) -> Answer:
            now = named(self._accounts.users, name)
            if user is None or now is None or not fits or mark(now) != mark(user):
                self.counted["sign_ins_refused"] += 1
                shown = ascii(name[:NAME_SHOWN])
                _log.warn("sign-in as {user} from {at} refused", user=shown, at=credentials.address)
                return as_html(sign_in.login("The name or the password is not right."), 403)
            self.throttle.forgive(credentials.address)
            return self._signed_in(credentials, standing(now))

        return looked.addCallback(known)

    def _refused(self, credentials: Credentials, why: str) -> Answer:
        try:
            self._wrong(credentials)
        except Refusal as refusal:
            return as_html(sign_in.login(str(refusal)), refusal.status, refusal.headers)
        return as_html(sign_in.login(why), 403)

    def _signed_in(self, credentials: Credentials, who: Standing) -> Answer:
        if credentials.cookie:
            self.sessions.close(credentials.cookie)
        session = self.sessions.open(who, credentials.now, credentials.address)
        self.counted["sign_ins"] += 1
        name = who.user or "the holder of a link or of the admin token"
        _log.info("{user} signed in from {at} as {role}", user=name, at=credentials.address, role=who.role)
        return see_other(
            "/", (("Set-Cookie", self._cookie(credentials, session.identifier, int(ABSOLUTE_SECONDS))),)
        )

    def take_token(self, token: str) -> None:
        """From now on another token is right; all who signed in with the old one are signed out."""
        self._token = token
        self.sessions.clear()
        self.links.clear()

    def logout(self, credentials: Credentials) -> Answer:
        """The session is gone at once."""
        self.sessions.close(credentials.cookie)
        return see_other("/login", (("Set-Cookie", self._cookie(credentials, "", 0)),))

    def _cookie(self, credentials: Credentials, value: str, age: int) -> str:
        secure = "; Secure" if credentials.scheme == "https" else ""
        return f"{credentials.cookie_name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"
