"""The director's own framer, driven without sockets.

`judge(case)` feeds the segments of a case to the framer and says what it made of them: `seen` = requests
it accepted (fields as parsed, so `rewritten=False`), `statuses` = 200 per accepted request, then the status
of a refusal; `closed` = it will take no more.
"""

from __future__ import annotations

from attrs import define, evolve, field

from director.errors import MessageError
from director.l7.http.body import Body
from director.l7.http.requests import Limits, RequestFramer, RequestHead
from director.l7.http.target import readings
from tests.conformance.http.model import Case, Fields, Outcome, Seen

LIMITS = {"plain": Limits(), "limits": Limits(body=1 << 20)}


@define
class _Reading:
    """One client connection, as far as framing goes."""

    framer: RequestFramer
    body: Body | None = None
    seen: list[Seen] = field(factory=list)
    statuses: list[int] = field(factory=list)
    keep: bool = True
    closed: bool = False

    def feed(self, data: bytes) -> None:
        """Take bytes until the connection is closed."""
        self.framer.feed(data)
        try:
            while not self.closed and self._step():
                pass
        except MessageError as refusal:
            self.statuses.append(refusal.status)
            self.closed = True

    def _step(self) -> bool:
        if self.body is None:
            head = self.framer.head()
            if head is None:
                return False
            readings(head.path)
            self.seen.append(_begun(head))
            self.keep, self.body = head.parsed.keep_alive, head.body()
        return self._read(self.body)

    def _read(self, body: Body) -> bool:
        if not body.done:
            payload, surplus = body.read(self.framer.take())
            self.framer.feed(surplus)
            self.seen[-1] = evolve(self.seen[-1], body=self.seen[-1].body + payload)
        if not body.done:
            return False
        self.seen[-1] = evolve(self.seen[-1], complete=True, trailers=_fields(body.trailers))
        self.statuses.append(200)
        self.body = None
        self.closed = not self.keep
        return True


def judge(case: Case) -> Outcome:
    """What the framer makes of the client's bytes."""
    reading = _Reading(RequestFramer(LIMITS[case.setting]))
    for segment in case.segments:
        if not reading.closed:
            reading.feed(segment)
    closed = reading.closed or case.fin
    return Outcome(tuple(reading.seen), tuple(reading.statuses), closed, rewritten=False)


def _begun(head: RequestHead) -> Seen:
    fields = tuple((n, head.host if n == b"host" else v) for n, v in _fields(head.block))
    return Seen(head.method, head.sent, fields, complete=False)


def _fields(block: bytes) -> Fields:
    pairs = (line.partition(b":") for line in block.split(b"\r\n") if line)
    return tuple((name.lower(), value.strip(b" \t")) for name, _, value in pairs)
