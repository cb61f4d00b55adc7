"""From names to their certificate: an order at an authority, as steps that a shell performs (RFC 8555 7).

`obtain` is a generator.  It yields what is to be done next (`Fetch`, `Rest`, `Show`) and is sent the `Reply`
to a `Fetch`; what it returns is the chain in PEM.  It asks a bounded number of times, and says with an
`AcmeError` what went wrong and what may help.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from attrs import frozen

from director.errors import DirectorError
from director.tls.acme.jose import AccountKey, base64url
from director.tls.acme.proof import ALPN, HTTP

POLLS = 30
"""Times that the state of one thing is asked for."""
POLL_SECONDS = 2.0
LONGEST_POLL = 30.0
"""Seconds that an authority can make us wait between two of them."""
NONCES = 3
"""Times that a request is sent again because its nonce was not taken (RFC 8555 6.5)."""
_TOKEN = re.compile("[A-Za-z0-9_-]{1,200}")
"""It becomes the name of a file."""
_ERROR = "urn:ietf:params:acme:error:"


class AcmeError(DirectorError):
    """No certificate came of it.  `wait` is for how long the authority does not want to be asked again."""

    def __init__(self, text: str, wait: float = 0.0) -> None:
        super().__init__(text)
        self.wait = wait


@frozen
class Fetch:
    """A request: `body` None is a GET, else a POST of `application/jose+json`."""

    url: str
    body: bytes | None = None


@frozen
class Reply:
    """What came; `headers` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@frozen
class Rest:
    """Let so many seconds pass."""

    seconds: float


@frozen
class Show:
    """Make a proof visible: `kind` of `proof`, for `name`."""

    kind: str
    name: str
    token: str
    authorization: str


Step = Fetch | Rest | Show
Steps = Generator[Step, Any, Any]


class _Session:
    """An account at an authority: signs, keeps nonces, reads errors."""

    def __init__(self, key: AccountKey, places: Mapping[str, str]) -> None:
        self._key = key
        self.places = places
        self._nonce = ""
        self.account = ""

    def post(self, url: str, payload: Any) -> Steps:
        """The reply to a signed request.  Raises AcmeError."""
        for _ in range(NONCES):
            if not self._nonce:
                reply = yield Fetch(self.places["newNonce"])
                self._nonce = reply.headers.get("replay-nonce", "")
            nonce, self._nonce = self._nonce, ""
            reply = yield Fetch(url, self._key.signed(url, nonce, payload, self.account))
            self._nonce = reply.headers.get("replay-nonce", "")
            if reply.status < 400:
                return reply
            if _problem(reply).get("type") != _ERROR + "badNonce":
                break
        raise _refused(reply, url)

    def resource(self, url: str, payload: Any = None) -> Steps:
        """The JSON object behind a URL."""
        reply = yield from self.post(url, payload)
        return reply, _json(reply)

    def until(self, url: str, *ended: str) -> Steps:
        """The object when its status is one of `ended`."""
        for _ in range(POLLS):
            reply, found = yield from self.resource(url)
            if found.get("status") in ended:
                return found
            yield Rest(min(max(_seconds(reply), POLL_SECONDS), LONGEST_POLL))
        raise AcmeError(f"{url} is {found.get('status')} still; it is tried again later")


def obtain(
    directory: str,
    key: AccountKey,
    names: Sequence[str],
    request: bytes,
    *,
    contact: str,
    kinds: Sequence[str],
    visible: float,
) -> Steps:
    """The chain for `names`, whose certificate `request` (DER) asks for.  Raises AcmeError.

    `contact` is an e-mail address or ""; `kinds` are the challenges that may be used, the best first;
    `visible` is how many seconds proofs take to be seen.
    """
    places = _json((yield Fetch(directory)))
    if not all(isinstance(places.get(one), str) for one in ("newNonce", "newAccount", "newOrder")):
        raise AcmeError(f"{directory} is no directory of ACME; [acme] directory names one")
    session = _Session(key, places)
    about: dict[str, Any] = {"termsOfServiceAgreed": True}
    if contact:
        about["contact"] = [f"mailto:{contact}"]
    reply = yield from session.post(places["newAccount"], about)
    session.account = reply.headers.get("location", "")
    identifiers = [{"type": "dns", "value": name} for name in names]
    reply, order = yield from session.resource(places["newOrder"], {"identifiers": identifiers})
    place = reply.headers.get("location", "")
    yield from _authorize(session, key, [str(one) for one in order.get("authorizations", ())], kinds, visible)
    yield from session.until(place, "ready", "valid", "invalid")
    yield from session.post(str(order.get("finalize")), {"csr": base64url(request)})
    done = yield from session.until(place, "valid", "invalid")
    if done.get("status") != "valid" or "certificate" not in done:
        raise AcmeError(f"the order was not fulfilled: {_detail(done.get('error'))}")
    reply = yield from session.post(str(done["certificate"]), None)
    return reply.body


def _authorize(
    session: _Session, key: AccountKey, urls: Sequence[str], kinds: Sequence[str], visible: float
) -> Steps:
    """Show that the names are ours: all proofs first, then the authority is asked to look."""
    shown = []
    for url in urls:
        _, found = yield from session.resource(url)
        if found.get("status") == "valid":
            continue
        name = str(found.get("identifier", {}).get("value", ""))
        challenge = _chosen(name, found, kinds)
        token = str(challenge["token"])
        shown.append((url, name, challenge))
        yield Show(str(challenge["type"]), name, token, f"{token}.{key.thumbprint}")
    if shown:
        yield Rest(visible)
    for url, name, challenge in shown:
        yield from session.post(str(challenge.get("url")), {})
        ended = yield from session.until(url, "valid", "invalid", "deactivated", "expired", "revoked")
        if ended.get("status") != "valid":
            raise _unbelieved(name, str(challenge["type"]), ended)


def _chosen(name: str, found: dict[str, Any], kinds: Sequence[str]) -> dict[str, Any]:
    """The challenge that is taken up."""
    offered = {one.get("type"): one for one in found.get("challenges", ()) if isinstance(one, dict)}
    kind = next((kind for kind in kinds if kind in offered), None)
    if kind is None:
        raise AcmeError(
            f"{name}: the authority offers {', '.join(map(str, offered)) or 'nothing'}; "
            f"the director can do {HTTP} and {ALPN}, as [acme] challenge allows"
        )
    token = str(offered[kind].get("token", ""))
    if not _TOKEN.fullmatch(token):
        raise AcmeError(f"{name}: the authority's token is none (RFC 8555 8.1)")
    return offered[kind]


def _unbelieved(name: str, kind: str, ended: dict[str, Any]) -> AcmeError:
    errors = [one.get("error") for one in ended.get("challenges", ()) if isinstance(one, dict)]
    why = next((_detail(one) for one in errors if one), "no reason given")
    port = 80 if kind == HTTP else 443
    return AcmeError(
        f"{name} was not shown to be ours by {kind}: {why}. Does port {port} of that name lead here?"
    )


def _json(reply: Reply) -> dict[str, Any]:
    try:
        found = json.loads(reply.body)
    except ValueError:
        found = None
    if reply.status >= 400 or not isinstance(found, dict):
        raise _refused(reply, "the authority")
    return found


def _problem(reply: Reply) -> dict[str, Any]:
    """What is said of an error (RFC 9457)."""
    try:
        found = json.loads(reply.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _refused(reply: Reply, url: str) -> AcmeError:
    return AcmeError(f"{url} answered {reply.status}: {_detail(_problem(reply))}", _seconds(reply))


def _detail(problem: Any) -> str:
    """The words of a problem document, bounded."""
    if not isinstance(problem, dict):
        return "no reason given"
    kind = str(problem.get("type", "")).removeprefix(_ERROR)
    return f"{kind}: {problem.get('detail', 'no detail')}"[:500]


def _seconds(reply: Reply) -> float:
    """Retry-After in seconds; a date counts as an hour."""
    text = reply.headers.get("retry-after", "")
    if not text:
        return 0.0
    return float(text) if text.isdigit() and len(text) < 9 else 3600.0
