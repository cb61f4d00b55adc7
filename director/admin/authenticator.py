"""Who may come in: the token, sessions, and what a write from a browser must show.

Pure but for the clock's value that is passed in.  `resource` gives the facts of a request
as a `Credentials`; the authenticator says who it is, or raises the `Refusal` to answer with.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from attrs import field, frozen

from director.admin import pages
from director.admin.answers import Answer, Headers, Refusal, as_html, see_other
from director.admin.routes import FORM, OPEN, ApiRoute
from director.admin.sessions import ABSOLUTE_SECONDS, Session, Sessions, Throttle, same

SAFE = frozenset({"GET", "HEAD"})
LONGEST_FORM = 4096
CHALLENGE: Headers = (("WWW-Authenticate", 'Bearer realm="director"'),)
HOW = "sign in with the link that the director printed, or send Authorization: Bearer with the admin token"


@frozen
class Credentials:
    """Facts of one request.

    Attributes:
        address: the peer's address without port.
        peer: who is at the other end of the control socket, empty on a network listener.
        cookie: the session cookie's value; `cookie_name` its name on this listener.
        fetch_site: the Sec-Fetch-Site header.
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
    origin: str = ""
    fetch_site: str = ""
    csrf: str = field(default="", repr=False)
    content_type: str = ""
    body: bytes = field(default=b"", repr=False)


@frozen
class Principal:
    """Somebody who may come in: how the audit names them, and their session if they have one."""

    author: str
    session: Session | None = None


class Authenticator:
    """One for all listeners of the admin."""

    def __init__(self, token: str, sessions: Sessions) -> None:
        self._token = token
        self.sessions = sessions
        self.throttle = Throttle()
        self.counted = {"sign_ins": 0, "sign_ins_refused": 0, "writes_refused": 0}

    def admit(self, route: ApiRoute, credentials: Credentials) -> Principal | None:
        """The principal, or None on an open route without one.  Raises Refusal (401, 403, 415, 429)."""
        principal = self._principal(credentials)
        if principal is None and route.access != OPEN:
            raise Refusal(401, HOW, route.path, CHALLENGE)
        if credentials.method not in SAFE and not credentials.peer:
            self._same_site(credentials)
            if principal and principal.session:
                self._own_form(route, credentials, principal.session)
        if route.takes and credentials.content_type.partition(";")[0].strip().lower() != route.takes:
            raise Refusal(415, f"send the body with Content-Type: {route.takes}", "Content-Type")
        return principal

    def _principal(self, credentials: Credentials) -> Principal | None:
        if credentials.peer:
            return Principal(credentials.peer)
        if credentials.authorization:
            scheme, _, token = credentials.authorization.partition(" ")
            if scheme.lower() != "bearer" or not self._right(token.strip(), credentials):
                raise Refusal(401, f"the token is not right; {HOW}", "Authorization", CHALLENGE)
            return Principal("the admin token")
        session = self.sessions.find(credentials.cookie, credentials.now) if credentials.cookie else None
        return Principal(session.author, session) if session else None

    def _right(self, token: str, credentials: Credentials) -> bool:
        """Compare; a wrong token is counted, and answered 429 when there were too many."""
        if same(token, self._token):
            return True
        self.counted["sign_ins_refused"] += 1
        wait = self.throttle.failed(credentials.address, credentials.now)
        if wait:
            seconds = str(int(wait) + 1)
            raise Refusal(
                429, f"too many wrong log-ins; wait {seconds} s", "token", (("Retry-After", seconds),)
            )
        return False

    def _same_site(self, credentials: Credentials) -> None:
        """A browser says where a write comes from; from elsewhere it is refused."""
        foreign = credentials.origin and credentials.origin != f"{credentials.scheme}://{credentials.host}"
        if foreign or credentials.fetch_site not in {"", "same-origin", "none"}:
            self.counted["writes_refused"] += 1
            raise Refusal(403, "a write must come from the director's own page", "Origin")

    def _own_form(self, route: ApiRoute, credentials: Credentials, session: Session) -> None:
        """A write with a session needs its CSRF token, as a header or as a field of the form."""
        given = credentials.csrf
        if not given and route.takes == FORM:
            given = form(credentials.body).get("csrf", "")
        if not same(given, session.csrf):
            self.counted["writes_refused"] += 1
            raise Refusal(
                403, "send the session's token as X-CSRF-Token; reload the page to get it", "X-CSRF-Token"
            )

    # -- signing in and out --

    def login_page(self, query_token: str, credentials: Credentials) -> Answer:
        """The printed link signs in; without a token the form is shown."""
        if credentials.peer:
            return see_other("/")
        return self._sign_in(query_token, credentials) if query_token else as_html(pages.login())

    def login(self, credentials: Credentials) -> Answer:
        """The form."""
        if credentials.peer:
            return see_other("/")
        return self._sign_in(form(credentials.body).get("token", "").strip(), credentials)

    def _sign_in(self, token: str, credentials: Credentials) -> Answer:
        try:
            right = self._right(token, credentials)
        except Refusal as refusal:
            return as_html(pages.login(str(refusal)), refusal.status, refusal.headers)
        if not right:
            return as_html(pages.login("This is not the admin token of this director."), 403)
        if credentials.cookie:
            self.sessions.close(credentials.cookie)
        session = self.sessions.open("the admin page", credentials.now)
        self.counted["sign_ins"] += 1
        return see_other(
            "/", (("Set-Cookie", self._cookie(credentials, session.identifier, int(ABSOLUTE_SECONDS))),)
        )

    def logout(self, credentials: Credentials) -> Answer:
        """The session is gone at once."""
        self.sessions.close(credentials.cookie)
        return see_other("/login", (("Set-Cookie", self._cookie(credentials, "", 0)),))

    def _cookie(self, credentials: Credentials, value: str, age: int) -> str:
        secure = "; Secure" if credentials.scheme == "https" else ""
        return f"{credentials.cookie_name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"


def form(body: bytes) -> dict[str, str]:
    """The fields of a small form.  Raises Refusal for anything larger or stranger."""
    if len(body) > LONGEST_FORM:
        raise Refusal(413, "the form is too large", "body")
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=8))
    except ValueError as error:
        raise Refusal(400, "the form cannot be read", "body") from error
