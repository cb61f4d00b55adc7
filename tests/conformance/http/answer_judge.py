"""Runs the bad origins behind a proxy and says what is wrong with what the client got."""

from __future__ import annotations

from collections.abc import Sequence

from tests.conformance.http.answers import GONE, ORDINARY, AnswerCase
from tests.support.client import Place, RawClient
from tests.support.origin import Origin, Send, Step
from tests.support.strict import Message

SENTINEL = b"GET /sentinel HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"
PATIENCE = 8.0
# More interim answers than this in one exchange are a flood.
INTERIM_BOUND = 1000


def complaints(place: Place, origin: Origin, case: AnswerCase) -> list[str]:
    """Play one case; empty = it passes."""

    def answer(message: Message) -> Sequence[Step]:
        return [Send(ORDINARY)] if message.target == b"/sentinel" else case.steps

    origin.drop_connections()
    origin.forget()
    origin.answer = answer
    with RawClient(place, patience=PATIENCE) as client:
        client.ask(
            b"%s /%s HTTP/%s\r\nHost: a.example\r\n\r\n" % (case.method, case.id.encode(), case.version)
        )
        client.wait(1)
        client.wait(patience=0.2)
    found = [f"client got no HTTP: {client.malformed}"] if client.malformed else []
    found += _passed(case, client) if case.status else _failed(case, client)
    return found + _next(place, origin, case)


def _failed(case: AnswerCase, client: RawClient) -> list[str]:
    if len(client.interim) > INTERIM_BOUND:
        return [f"{len(client.interim)} interim answers were passed on"]
    if client.answers:
        return (
            []
            if client.statuses[0] in GONE and len(client.answers) == 1
            else [f"clean answers {client.statuses}"]
        )
    if case.late and client.ended == "reset":
        # A reset cannot be taken for an end, though it may swallow the head.
        return []
    if client.truncated is None:
        # A connection that ends after interim answers is a failure that the client can detect.
        return [] if client.interim and client.ended else [f"no answer ({client.ended or 'left open'})"]
    if not client.ended:
        return ["a cut answer, and the connection is left open"]
    return [] if case.late else ["the head of a bad answer was passed on"]


def _passed(case: AnswerCase, client: RawClient) -> list[str]:
    if len(client.answers) != 1:
        return [f"answers {client.statuses}, expected one {case.status} ({client.ended or 'left open'})"]
    got, found = client.answers[0], []
    if got.status != case.status:
        found.append(f"status {got.status}, expected {case.status}")
    if got.size != len(case.body) or bytes(got.body) != case.body:
        found.append(f"body {bytes(got.body[:60])!r} ({got.size}), expected {case.body[:60]!r}")
    if len(got.values(b"date")) != 1:
        found.append(f"Date is {got.values(b'date')!r}, expected one (RFC 9110 6.6.1)")
    if tuple(message.status for message in client.interim) != case.interim:
        found.append(f"interim {[message.status for message in client.interim]}, expected {case.interim}")
    found += [
        f"{name!r} is {got.values(name)!r}"
        for name in dict.fromkeys(name for name, _ in case.fields)
        if got.values(name) != [value for key, value in case.fields if key == name]
    ]
    found += [f"{name!r} was passed on" for name in case.absent if got.values(name)]
    if case.version == b"1.0" and (got.values(b"transfer-encoding") or not client.ended):
        found.append("an HTTP/1.0 client got chunks or no end")
    return found


def _next(place: Place, origin: Origin, case: AnswerCase) -> list[str]:
    """The next request of another client gets its own answer, over another connection where it must."""
    with RawClient(place, patience=PATIENCE) as client:
        client.ask(SENTINEL)
        client.wait(1)
    if client.statuses != [200] or bytes(client.answers[0].body) != b"ordinary":
        return [f"the next request got {client.statuses} {bytes(client.raw[:80])!r}"]
    mixed = [r for r in origin.records if len(r.messages) > 1 and r.messages[-1].target == b"/sentinel"]
    return ["the server connection was used again"] if mixed and not case.reuse else []
