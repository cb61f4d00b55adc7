"""The shape of a case, of what was observed, and the judge that compares the two.

The corpus knows no implementation: an adapter (`socket_adapter`, `pure_adapter`) turns a case into an
`Outcome`, and `complaints` says in words what is wrong with it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from attrs import evolve, frozen

Fields = tuple[tuple[bytes, bytes], ...]
Segments = tuple[bytes, ...]

# Fields of one connection: none of them may reach the server as the client sent it (RFC 9110 7.6.1).
CONNECTION_FIELDS = (b"keep-alive", b"proxy-connection")


class Verdict(enum.Enum):
    """What must happen to the (last) request of a case."""

    REFUSE = "refuse"
    """Answered with one of `statuses`, connection closed, nothing of it forwarded."""
    FORWARD = "forward"
    """Forwarded exactly as `wants` says, answered with the origin's answer."""
    EITHER = "either"
    """The RFC allows both."""


@frozen
class Want:
    """One request that the origin must have received.

    `targets` are the allowed spellings.  For each name in `fields` the origin must have got exactly
    these values in this order; the names in `absent` must not have arrived.
    """

    method: bytes = b"GET"
    targets: tuple[bytes, ...] = (b"/",)
    fields: Fields = ()
    absent: tuple[bytes, ...] = ()
    body: bytes = b""
    trailers: Fields | None = None


@frozen
class Case:
    """One conversation of a client.

    Attributes:
        id: unique; its first word is the class.
        about: what is special, with the section of the RFC.
        segments: the client's bytes, one `send` each.
        verdict: for the last request of the case; `wants` holds what is forwarded before (and of) it.
        statuses: the statuses that a refusal may have; 0 = closed without an answer.
        partial: a request that is cut or turns out bad inside its body may have begun to arrive at the
            origin; it must never be complete there.
        fin: the client closes its sending side after the last segment.
        keep: after a forwarded case the connection stays open for another request.
        setting: the configuration it needs: `plain`, or `limits` (a body limit of 1 MiB).
    """

    id: str
    about: str
    segments: Segments
    verdict: Verdict
    statuses: frozenset[int] = frozenset()
    wants: tuple[Want, ...] = ()
    partial: bool = False
    fin: bool = False
    keep: bool = True
    setting: str = "plain"

    @property
    def raw(self) -> bytes:
        """All the client's bytes."""
        return b"".join(self.segments)


@frozen
class Seen:
    """A request as the origin (or the framer) got it; field names in lower case."""

    method: bytes
    target: bytes
    fields: Fields
    body: bytes = b""
    trailers: Fields = ()
    complete: bool = True

    def values(self, name: bytes) -> tuple[bytes, ...]:
        """All values of a field, in order."""
        return tuple(value for key, value in self.fields if key == name)


@frozen
class Outcome:
    """What an adapter observed.

    Attributes:
        seen: the requests that got through, complete or begun, in order.
        statuses: the final statuses of the answers to the client, in order.
        closed: the connection to the client was closed at the end (without our asking for it).
        errors: what was wrong with any bytes received (malformed answers, malformed requests).
        rewritten: the requests were seen behind the proxy (hop-by-hop fields must be gone); False for an
            adapter that looks at the framer alone.
    """

    seen: tuple[Seen, ...] = ()
    statuses: tuple[int, ...] = ()
    closed: bool = False
    errors: tuple[str, ...] = ()
    rewritten: bool = True


Judge = Callable[[Case], Outcome]


def complaints(case: Case, outcome: Outcome) -> list[str]:
    """What is wrong with `outcome`, in words; empty = the case passes."""
    found = list(outcome.errors)
    if case.verdict is Verdict.REFUSE:
        return found + _refusal(case, outcome)
    if case.verdict is Verdict.FORWARD:
        return found + _forwarding(case, outcome)
    refused, forwarded = (
        _refusal(evolve(case, wants=case.wants[:-1]), outcome),
        _forwarding(case, outcome),
    )
    return found + (
        ["neither refused nor forwarded: ", *refused, *forwarded] if refused and forwarded else []
    )


def _refusal(case: Case, outcome: Outcome) -> list[str]:
    count = len(case.wants)
    found = _requests(case, outcome.seen[:count], outcome)
    extra = [each for each in outcome.seen[count:] if each.complete or not case.partial]
    found += [f"forwarded: {each.method!r} {each.target[:60]!r} {each.body[:60]!r}" for each in extra]
    own = outcome.statuses[count:]
    if not own and 0 not in case.statuses:
        found.append("no answer")
    if own and own[0] not in case.statuses:
        found.append(f"answered {own[0]}, allowed {sorted(case.statuses)}")
    if len(own) > 1:
        found.append(f"answered bytes behind a refused request: {own}")
    if not outcome.closed:
        found.append("connection left open")
    return found


def _forwarding(case: Case, outcome: Outcome) -> list[str]:
    found = _requests(case, outcome.seen, outcome)
    if outcome.statuses != (200,) * len(case.wants):
        found.append(f"answers {outcome.statuses}, expected {len(case.wants)} x 200")
    if outcome.rewritten and outcome.closed is case.keep:
        found.append("connection closed too early" if case.keep else "connection left open")
    return found


def _requests(case: Case, seen: tuple[Seen, ...], outcome: Outcome) -> list[str]:
    found: list[str] = []
    if len(seen) != len(case.wants):
        found.append(f"origin got {len(seen)} requests, expected {len(case.wants)}")
    for want, got in zip(case.wants, seen, strict=False):
        found += _request(want, got, rewritten=outcome.rewritten)
    return found


def _request(want: Want, got: Seen, *, rewritten: bool) -> list[str]:
    found: list[str] = []
    if not got.complete:
        found.append("request incomplete at the origin")
    if got.method != want.method:
        found.append(f"method {got.method!r}, expected {want.method!r}")
    if got.target not in want.targets:
        found.append(f"target {got.target[:80]!r}, expected {want.targets[0][:80]!r}")
    if got.body != want.body:
        found.append(
            f"body {got.body[:80]!r} ({len(got.body)}), expected {want.body[:80]!r} ({len(want.body)})"
        )
    for name in dict.fromkeys(name for name, _ in want.fields):
        values = tuple(value for key, value in want.fields if key == name)
        if got.values(name) != values:
            found.append(f"{name!r} is {got.values(name)!r}, expected {values!r}")
    if rewritten:
        absent = (*want.absent, *CONNECTION_FIELDS)
        wanted = {name for name, _ in want.fields}
        found += [f"{name!r} was passed on" for name in absent if name not in wanted and got.values(name)]
        if want.trailers is not None and got.trailers not in {want.trailers, ()}:
            found.append(f"trailers {got.trailers!r}, expected {want.trailers!r} or none")
    return found


# --- making cases --------------------------------------------------------------------------------------

BAD = frozenset({400})


def refuse(
    ident: str,
    about: str,
    *segments: bytes,
    statuses: frozenset[int] | set[int] = BAD,
    wants: tuple[Want, ...] = (),
    partial: bool = False,
    fin: bool = False,
    setting: str = "plain",
) -> Case:
    """A case that must be refused."""
    return Case(
        ident,
        about,
        segments,
        Verdict.REFUSE,
        frozenset(statuses),
        wants,
        partial,
        fin,
        setting=setting,
    )


def forward(
    ident: str,
    about: str,
    raw: bytes | Segments,
    *wants: Want,
    keep: bool = True,
    fin: bool = False,
    setting: str = "plain",
) -> Case:
    """A case that must be forwarded."""
    segments = (raw,) if isinstance(raw, bytes) else raw
    return Case(
        ident,
        about,
        segments,
        Verdict.FORWARD,
        wants=wants,
        keep=keep,
        fin=fin,
        setting=setting,
    )


def either(
    ident: str,
    about: str,
    raw: bytes | Segments,
    *wants: Want,
    statuses: frozenset[int] | set[int] = BAD,
    keep: bool = True,
    partial: bool = False,
    fin: bool = False,
) -> Case:
    """A case that may be refused or forwarded, but nothing between."""
    segments = (raw,) if isinstance(raw, bytes) else raw
    return Case(
        ident,
        about,
        segments,
        Verdict.EITHER,
        frozenset(statuses),
        wants,
        partial=partial,
        keep=keep,
        fin=fin,
    )


def get(target: bytes = b"/", *lines: bytes, host: bytes = b"a.example") -> bytes:
    """A GET with these extra field lines."""
    return b"\r\n".join([b"GET %s HTTP/1.1" % target, b"Host: " + host, *lines, b"", b""])


def post(body: bytes, *lines: bytes, target: bytes = b"/") -> bytes:
    """A POST with exactly these extra field lines and these bytes behind the head."""
    return b"\r\n".join([b"POST %s HTTP/1.1" % target, b"Host: a.example", *lines, b"", body])
