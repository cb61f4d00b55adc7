"""The routes about who may come in: sign-in links, the admin's token, users' API tokens, sessions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from twisted.logger import Logger

from director.admin import edits
from director.admin.accounts import ADMIN, ROLES, may, named
from director.admin.answers import Answer, Refusal, as_json
from director.admin.api import Call
from director.admin.authenticator import Accounts
from director.admin.edits import BadOrder
from director.admin.sessions import LINK_SECONDS, Session, Sessions
from director.admin.tokens import ApiToken
from director.admin.views import Json, stamp
from director.config.parse import units
from director.config.text.messages import BadValue
from director.errors import DirectorError
from director.registry.reports import Instant

CREATED, NO_CONTENT = 201, 204
LONGEST_NOTE = 100
NEW_FIELDS = ("user", "role", "expires", "note")

T = TypeVar("T")

_log = Logger()


class AccessVerbs(Protocol):
    """What changes who may come in; `service` does it."""

    def make_link(self) -> str:
        """A new link that signs in once, empty where there is no page."""

    def rotate(self) -> str:
        """Make a new token; returns the file that has it.  Raises OSError with the old one still good."""


class Access:
    """All of them."""

    def __init__(
        self, verbs: AccessVerbs, accounts: Accounts, sessions: Sessions, moment: Callable[[], Instant]
    ) -> None:
        self._verbs = verbs
        self._accounts = accounts
        self._sessions = sessions
        self._moment = moment

    # -- the admin's token --

    def make_link(self, call: Call) -> Answer:
        """For a browser of this machine."""
        if call.dry_run:
            return rehearsed("a link that signs in as admin is made")
        link = self._verbs.make_link()
        if not link:
            raise Refusal(409, "there is no page to sign in to; add [admin] listen = 127.0.0.1:8404", "admin")
        return as_json({"link": link, "seconds": int(LINK_SECONDS)})

    def rotate_token(self, call: Call) -> Answer:
        """The token itself stays in its file."""
        if call.dry_run:
            return rehearsed("another admin token is made", "everybody is signed out")
        return as_json({"file": kept(self._verbs.rotate)})

    # -- users' tokens --

    def tokens(self, call: Call) -> Answer:
        """Those that are good now."""
        return as_json([token_view(one, role) for one, role in self._accounts.tokens.living()])

    def add_token(self, call: Call) -> Answer:
        """For a user of the configuration, with at most their role."""
        order = edits.parse_object(call.body)
        edits.known(order, NEW_FIELDS)
        user = named(self._accounts.users, edits.text(order, "user", 128))
        if user is None:
            raise BadOrder(f"no [user:…] of the configuration has that name; {self._names()}", "user")
        role = edits.text(order, "role", 16) or user.role
        if role not in ROLES or not may(user.role, role):
            text = f"role is one of {', '.join(ROLES)}, and at most {user.role}, which {user.name} is"
            raise BadOrder(text, "role")
        seconds, note = _expires(order), edits.text(order, "note", LONGEST_NOTE)
        if call.dry_run:
            return rehearsed(f"a token of {user.name} is made with the role {role}")
        make = self._accounts.tokens.make
        try:
            token, text = kept(lambda: make(user.name, role, seconds, note, call.author))
        except DirectorError as error:
            raise Refusal(409, str(error), "tokens") from error
        _log.info(
            "token {id} of {user} made with the role {role}, by {author} from {at}",
            id=token.id,
            user=user.name,
            role=role,
            author=call.author,
            at=call.principal.origin,
        )
        value = {**token_view(token, role), "token": text}
        return as_json(value, CREATED, (("Location", f"/api/v1/tokens/{token.id}"),))

    def _names(self) -> str:
        names = ", ".join(sorted(one.name for one in self._accounts.users())[:10])
        return f"there are: {names}" if names else "there are none: director passwd NAME makes one"

    def remove_token(self, call: Call) -> Answer:
        """It ends at once."""
        identifier = call.path["id"]
        found = [one for one, _ in self._accounts.tokens.living() if one.id == identifier]
        if not found:
            raise Refusal(404, "No such token; /api/v1/tokens lists them", identifier[:40])
        if call.dry_run:
            return rehearsed(f"token {identifier} of {found[0].user} ends")
        kept(lambda: self._accounts.tokens.revoke(identifier))
        self._said("token {id} of {user} revoked, by {author} from {at}", identifier, found[0].user, call)
        return Answer(NO_CONTENT)

    # -- sessions --

    def sessions(self, call: Call) -> Answer:
        """The one used last comes first."""
        found = self._seen(call)
        return as_json([self._session_view(one, call) for one in reversed(found)])

    def end_session(self, call: Call) -> Answer:
        """Whoever has it must sign in anew."""
        identifier = call.path["id"]
        session = next((one for one in self._seen(call) if one.shown == identifier), None)
        if session is None:
            raise Refusal(404, "No such session; /api/v1/sessions lists them", identifier[:40])
        who = session.standing.user or "the admin page"
        if call.dry_run:
            return rehearsed(f"session {identifier} of {who} ends")
        self._sessions.close(session.identifier)
        self._said("session {id} of {user} ended, by {author} from {at}", identifier, who, call)
        return Answer(NO_CONTENT)

    def _seen(self, call: Call) -> list[Session]:
        """Those that the caller may see and end; one whose user changed is none any more."""
        principal, users = call.principal, self._accounts.users
        living = self._sessions.living(self._moment().now)
        return [
            one
            for one in living
            if one.standing.now(users) and (may(principal.role, ADMIN) or one.standing.user == principal.user)
        ]

    def _session_view(self, session: Session, call: Call) -> Json:
        moment = self._moment()
        return {
            "id": session.shown,
            "user": session.standing.user,
            "role": session.standing.now(self._accounts.users),
            "from": session.address,
            "opened": stamp(moment.when(session.opened)),
            "used": stamp(moment.when(session.used)),
            "current": session.shown == call.principal.session,
        }

    @staticmethod
    def _said(text: str, identifier: str, user: str, call: Call) -> None:
        _log.info(text, id=identifier, user=user, author=call.author, at=call.principal.origin)


def token_view(token: ApiToken, role: str) -> Json:
    """A token without its secret; `role` is what it may do now."""
    return {
        "id": token.id,
        "user": token.user,
        "role": role,
        "note": token.note,
        "by": token.by,
        "made": stamp(token.made),
        "expires": stamp(token.expires) if token.expires else None,
    }


def _expires(order: Mapping[str, Any]) -> float:
    text = edits.text(order, "expires", 32)
    try:
        seconds = units.duration(text) if text else 0.0
    except BadValue as error:
        raise BadOrder(f"expires is a duration, such as 30d: {error}", "expires") from error
    if text and seconds <= 0:
        raise BadOrder("expires is a time from now on, such as 30d", "expires")
    return seconds


def rehearsed(*diff: str) -> Answer:
    """What would be done."""
    return as_json({"dry_run": True, "diff": list(diff)})


def kept(write: Callable[[], T]) -> T:
    """Do what must be kept.  Raises Refusal (409) when it cannot be, and all is as it was."""
    try:
        return write()
    except OSError as error:
        text = f"nothing was changed, it cannot be kept: {error.strerror}; make room in state_dir"
        raise Refusal(409, text, "token") from error
