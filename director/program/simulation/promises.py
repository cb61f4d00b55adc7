"""What the director promises, held against what clients and servers saw in one run.

    answered   each request is answered exactly once, by what it is due
    right      octets arrive as they were sent, and nobody gets what is another's
    once       what is not idempotent reaches a server once; what is, no more often than retries allow
    kept       what could be retried is not lost: a server without a fault was there, and tries were left
    in time    the fault path answers within the time-outs that lead to it
    sticky     who has a server's cookie comes back to it, as long as that is well
    closed     a server in drain or maintenance, or of weight 0, gets nothing new
    max        no server has more than its `max`
    empty      when all is over nothing is held: no lease, no place, no seat, no connection, no timer
    sound      nothing fails inside

None is derived from the director's own books, except `max` and `empty`, which are about these.  Where a
schedule leaves open what is right (a client that resets, a server that cuts its answer), nothing is held.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from attrs import frozen

from director.program.simulation import due
from director.program.simulation.clients import Asked, GotAnswer
from director.program.simulation.likeness import Likeness
from director.program.simulation.messages import body_of
from director.program.simulation.routes import Routes
from director.program.simulation.run import Run
from director.program.simulation.servers import Receipt

SHOWN = 300
"""Characters of a defect."""


@frozen
class Broken:
    """One promise that was broken, and how."""

    promise: str
    text: str

    def __str__(self) -> str:
        return f"{self.promise}: {self.text}"


class Judge:
    """Holds one run against the promises; `due` is what its schedule leaves for them."""

    def __init__(self, run: Run, likeness: Likeness, routes: Routes) -> None:
        self.run = run
        self.due = due.Due(run, likeness, routes)
        self._by_serial = {one.serial: one for one in run.receipts}

    def broken(self) -> list[Broken]:
        """All that was broken."""
        found = [
            Broken(promise, text)
            for promise, texts in (
                ("answered", self._answered()),
                ("right", self._right()),
                ("once", self._once()),
                ("kept", self._kept()),
                ("in time", self._in_time()),
                ("sticky", self._sticky()),
                ("closed", self._closed()),
                ("max", self._max()),
                ("empty", iter(self.run.left)),
                ("sound", (text.strip()[-SHOWN:] for text in self.run.defects)),
            )
            for text in texts
        ]
        return list(dict.fromkeys(found))

    # -- answered --

    def _answered(self) -> Iterator[str]:
        if self.run.ended is None:
            yield "a client waits for ever"
        for asked in self.run.asked:
            if asked.left:
                continue
            if not self.due.answers(asked) or self.due.is_cut_off(asked):
                continue
            yield from (f"{asked.name} ({asked.ask.method}): {text}" for text in asked.wrong)
            if not asked.answers and not asked.wrong:
                yield f"{asked.name} ({asked.ask.method}) was not answered"
            for answer in asked.answers:
                if answer.ended and not self._may_break(asked, answer):
                    yield f"{asked.name}: its answer {answer.serial or answer.status} was {answer.ended}"
                if not answer.serial and answer.status not in self.due.own_statuses(asked):
                    yield f"{asked.name} ({asked.ask.method}) got {answer.status} from the director"

    def _may_break(self, asked: Asked, answer: GotAnswer) -> bool:
        """The server did not give all of it, or where it ends is not to be seen, or it was cut on purpose."""
        receipt = self._by_serial.get(answer.serial)
        if receipt is None:
            return False
        if receipt.failed or not receipt.answered or asked.ask.framing == "close":
            return True
        return self.due.cuts(receipt.server)

    # -- right --

    def _right(self) -> Iterator[str]:
        seen: dict[str, Asked] = {}
        for asked in self.run.asked:
            for answer in asked.answers:
                if answer.serial:
                    yield from self._right_answer(asked, answer, seen)
        by_tag = {one.tag: one for one in self.run.asked}
        for receipt in self.run.receipts:
            sender = by_tag.get(receipt.tag)
            if sender is None:
                yield f"{receipt.server} got a request of {receipt.tag}, which nobody sent"
            elif not self._is_right(
                bytes(receipt.body), body_of(sender.name, sender.ask.upload), receipt.whole
            ):
                yield f"{receipt.server} got {len(receipt.body)} octets of {sender.name} that were not sent"

    def _right_answer(self, asked: Asked, answer: GotAnswer, seen: dict[str, Asked]) -> Iterator[str]:
        other = seen.setdefault(answer.serial, asked)
        if other is not asked:
            yield f"{answer.serial} went to {other.name} and to {asked.name}"
        if answer.tag != asked.tag:
            yield f"{asked.name} got {answer.serial}, the answer to {answer.tag}"
        size = 0 if asked.ask.method == "HEAD" else asked.ask.size
        receipt = self._by_serial.get(answer.serial)
        cut = bool(answer.ended) or asked.left or (asked.ask.framing == "close" and not _served(receipt))
        if not self._is_right(answer.body, body_of(answer.serial, size), not cut):
            yield f"{asked.name} got {len(answer.body)} octets of {answer.serial} that were not sent"

    def _is_right(self, got: bytes, whole: bytes, is_whole: bool) -> bool:
        return got == whole if is_whole else whole.startswith(got)

    # -- once --

    def _once(self) -> Iterator[str]:
        got: defaultdict[str, list[str]] = defaultdict(list)
        for receipt in self.run.receipts:
            got[receipt.tag].append(receipt.server)
        for asked in self.run.asked:
            servers = got[asked.tag]
            if asked.client.alike:
                continue
            most = asked.tries * self.due.sendings(asked)
            if len(servers) > most:
                yield f"{asked.name} ({asked.ask.method}) reached {', '.join(servers)}; {most} is the most"

    # -- kept --

    def _kept(self) -> Iterator[str]:
        for asked in self.run.asked:
            for answer in asked.answers:
                if answer.serial or asked.left or answer.status in self.due.ruled(asked):
                    continue
                why = self.due.keeps(asked)
                if why:
                    yield f"{asked.name} ({asked.ask.method}) got {answer.status}, although {why}"

    # -- in time --

    def _in_time(self) -> Iterator[str]:
        for asked in self.run.asked:
            if asked.client.pipelined or asked.client.slow or asked.sent is None:
                continue
            for answer in asked.answers:
                spent, most = answer.time - asked.sent, self.due.longest(asked)
                if not answer.serial and spent > most:
                    yield f"{asked.name} got {answer.status} after {spent:.1f}s; {most:.1f}s is the most"

    # -- sticky --

    def _sticky(self) -> Iterator[str]:
        for asked in self.run.asked:
            for answer in asked.answers:
                if answer.serial and answer.server != asked.keeper and self.due.stays(asked):
                    yield f"{asked.name} had the cookie of {asked.keeper} and went to {answer.server}"

    # -- closed --

    def _closed(self) -> Iterator[str]:
        began: dict[str, float] = {}
        for asked in self.run.asked:
            if asked.began is not None:
                began[asked.tag] = min(began.get(asked.tag, asked.began), asked.began)
        for one in self.run.operator.forbidden(self.run.loop.seconds()):
            server = self.due.played(one.pool, one.server)
            if server is None or (one.why != "maint" and self.due.may_come_back(one.pool, one.why)):
                continue
            for receipt in server.receipts:
                first = began.get(receipt.tag)
                if first is not None and one.since < first and receipt.time < one.until:
                    yield (
                        f"{one.pool}/{one.server} ({one.why} since {one.since:.3f}s) got {receipt.method} of "
                        f"{receipt.tag}, which was sent at {first:.3f}s"
                    )

    # -- max --

    def _max(self) -> Iterator[str]:
        for name, load in self.run.over_max.items():
            if not self.due.is_sticky(name.partition("/")[0]):
                yield f"{name} had {load} claims"
        for pool, server, most in self.due.limits():
            played = self.due.played(pool, server)
            worst = max((one.beside for one in played.receipts), default=0) if played is not None else 0
            if worst > most and not self.due.is_sticky(pool):
                yield f"{pool}/{server} had {worst} requests at once, its max is {most}"


def _served(receipt: Receipt | None) -> bool:
    """It gave all of an answer."""
    return receipt is not None and receipt.answered and not receipt.failed
