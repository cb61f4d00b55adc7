"""Judges a running proxy: a raw client in front of it, the recording origin behind."""

from __future__ import annotations

import re
import time

from tests.conformance.http.model import Case, Fields, Outcome, Seen, Verdict
from tests.support.client import Place, RawClient
from tests.support.origin import Origin
from tests.support.running import wait_until
from tests.support.strict import Message

SENTINEL = b"GET /sentinel HTTP/1.1\r\nHost: sentinel.example\r\nConnection: close\r\n\r\n"
# How long a refusal may take (hardening.md: above the limit within 1 s), with room for a busy machine.
PATIENCE = 4.0


class SocketJudge:
    """`judge(case) -> Outcome` over sockets; cases run one after the other."""

    def __init__(self, place: Place, origin: Origin, patience: float = PATIENCE) -> None:
        self.place, self.origin, self.patience = place, origin, patience

    def __call__(self, case: Case) -> Outcome:
        """Run one case."""
        self.origin.forget()
        with RawClient(self.place, patience=self.patience) as client:
            client.asked(*(want.method for want in case.wants))
            client.asked(_method(case), b"GET", b"GET")
            self._send(client, case)
            sentinel = self._finish(client, case)
        if case.partial:
            # A cut request may reach the origin after its client has gone.
            time.sleep(0.03)
        self._settle()
        return self._outcome(client, case, sentinel=sentinel)

    def _send(self, client: RawClient, case: Case) -> None:
        for number, segment in enumerate(case.segments):
            if number and len(case.segments) < 50:
                time.sleep(0.001)
            if client.ended:
                break
            client.send(segment)
        if case.fin and not client.ended:
            client.fin()

    def _finish(self, client: RawClient, case: Case) -> bool:
        """Read what belongs to the case; True when the sentinel was asked as well."""
        if case.verdict is Verdict.REFUSE:
            client.wait(len(case.wants) + 1)
            answered = client.statuses[len(case.wants) :]
            client.wait(patience=None if set(answered) <= case.statuses else 0.3)
            return False
        client.wait(len(case.wants))
        passed = client.statuses == [200] * len(case.wants)
        if passed and case.keep and not client.ended:
            client.reader.methods.clear()
            client.ask(SENTINEL)
            client.wait()
            return True
        client.wait()
        return False

    def _settle(self) -> None:
        """Wait until nothing is under way at the origin any more."""
        wait_until(
            lambda: not any(r.begun and r.end == "open" for r in self.origin.records),
            1.0,
            0.002,
        )

    def _outcome(self, client: RawClient, case: Case, *, sentinel: bool) -> Outcome:
        log, answers = list(self.origin.log), list(client.answers)
        errors = [f"origin: {r.end}" for r in self.origin.records if r.end.startswith("malformed")]
        errors += [f"client: {client.malformed}"] if client.malformed else []
        closed = bool(client.ended)
        if sentinel:
            if [m.target for m in log[-1:]] == [b"/sentinel"] and len(answers) == len(case.wants) + 1:
                log, answers, closed = log[:-1], answers[:-1], False
            else:
                errors.append("the next request on the connection got no answer")
        seen = [_seen(message) for message in (*log, *self.origin.cut)]
        return Outcome(tuple(seen), tuple(a.status for a in answers), closed, tuple(errors))


def _method(case: Case) -> bytes:
    """What the refused request will look like to the server, as far as answers to it go."""
    return b"HEAD" if re.match(rb"HEAD ", case.raw) else b"GET"


def _lower(fields: list[tuple[bytes, bytes]]) -> Fields:
    return tuple((name.lower(), value) for name, value in fields)


def _seen(message: Message) -> Seen:
    return Seen(
        message.method,
        message.target,
        _lower(message.fields),
        bytes(message.body),
        _lower(message.trailers),
        message.complete,
    )
