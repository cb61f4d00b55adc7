"""Clients as they are played: they ask as their plan says, and note what became of each request (`Asked`).

A client whose connection ends goes on with a new one.  It asks again what it has asked when the director
cannot have seen it: a connection that is kept open may be closed by either side at any time (RFC 9112 9.6).
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from attrs import define, field

from director.program.simulation.messages import HEAD_END, Message, Reader, Unreadable, body_of, chunks
from director.program.simulation.schedule import ClientPlan, PlannedAsk
from director.program.simulation.servers import SERIAL, SERVER, TAG
from director.program.simulation.sockets import Cable, End

TRIES = 50
"""Connections of one client at most."""
JUNK = b"\x16\x03\x01 no request\r\n\r\n"
PATIENCE = 1.0
"""Seconds until a client that was refused calls again."""


@define(eq=False)
class GotAnswer:
    """One final answer.

    `ended`: how its connection ended before it was whole: `closed`, `reset`, or "" when it is whole.
    """

    status: int
    time: float
    serial: str
    server: str
    tag: str
    body: bytes = b""
    ended: str = ""

    def __str__(self) -> str:
        how = f", {self.ended}" if self.ended else ""
        return f"{self.status} {self.serial or 'from the director'}, {len(self.body)} octets{how}"


@define(eq=False)
class Asked:
    """One request of a client, and what it got.

    Attributes:
        began, sent: when its first and its last octet went; None before that.
        answers: final ones; more than one is a mistake.
        wrong: what is wrong with what it got.  left: the client went before the answer was whole.
        over_at: when that was known.
        unheard: how often it was asked on a connection that the director had closed before.
        tries: how often it was asked.  keeper: the server whose cookie went with it.
    """

    client: ClientPlan
    index: int
    ask: PlannedAsk
    tag: str
    began: float | None = None
    sent: float | None = None
    answers: list[GotAnswer] = field(factory=list)
    interims: int = 0
    wrong: list[str] = field(factory=list)
    left: bool = False
    over: bool = False
    unheard: int = 0
    tries: int = 0
    over_at: float = 0.0
    keeper: str = ""

    @property
    def name(self) -> str:
        """For people."""
        return f"request {self.client.number}.{self.index}"


class PlayedClient:
    """One client.

    Attributes:
        asked: its requests.
        left: told once, when it has left.
    """

    def __init__(
        self, loop: Any, plan: ClientPlan, name: tuple[str, int], wire: Cable, left: Callable[[], object]
    ) -> None:
        self.plan = plan
        self.asked = [Asked(plan, at, ask, tag_of(plan, at)) for at, ask in enumerate(plan.asks)]
        self._is_over = False
        self._left = left
        self._loop = loop
        self._name = name
        self._wire = wire
        self._address = f"192.0.{plan.number // 250}.{plan.number % 250 + 1}"
        self._end: End | None = None
        self._calls = 0
        self._next = 0
        self._waiting: list[Asked] = []
        self._offsets: dict[Asked, int] = {}
        self._given = 0
        self._out: list[tuple[bytes, Asked | None]] = []
        self._sending = False
        self._expected: Asked | None = None
        self._cookie, self._keeper = "", ""
        self._reader = Reader(self._is_bare)
        loop.at(plan.at, self._call)
        if plan.leaves == "abort":
            loop.at(plan.at + plan.after, self._abort)

    @property
    def over(self) -> bool:
        """It has left."""
        return self._is_over

    @over.setter
    def over(self, value: bool) -> None:
        if value and not self._is_over:
            self._is_over = True
            self._left()

    # -- the connection --

    def _call(self) -> None:
        if self.over:
            return
        self._calls += 1
        if self._calls > TRIES:
            self._leave("gave up after too many connections")
            return
        self._loop.network.call(self._name, self._address, self._wire, self._called)

    def _called(self, end: End | None) -> None:
        if self.over:
            if end is not None:
                end.abort()
            return
        if end is None and self._loop.network.closing:
            self._leave()
            return
        if end is None:
            self._loop.after(PATIENCE, self._call)
            return
        self._end = end
        self._given = 0
        self._sending = False
        self._expected = None
        self._out.clear()
        self._offsets.clear()
        self._reader = Reader(self._is_bare)
        end.watch(self)
        self._go_on()

    def _hang_up(self, *, reset: bool = False) -> None:
        end, self._end = self._end, None
        if end is not None:
            end.watcher = None
            if reset:
                end.abort()
            else:
                end.close()

    def _abort(self) -> None:
        if not self.over:
            self._hang_up(reset=True)
            self._leave()

    def _leave(self, why: str = "") -> None:
        self.over = True
        for asked in self.asked:
            if not asked.over:
                asked.over = asked.left = True
                if why:
                    asked.wrong.append(why)

    # -- asking --

    def _go_on(self) -> None:
        """The next request, or the end."""
        if self.over or self._end is None:
            return
        if self._next >= len(self.asked):
            if not self._waiting:
                self.over = True
                self._hang_up()
            return
        last = len(self.asked) if self.plan.pipelined else self._next + 1
        while self._next < last:
            self._next += 1
            self._ask(self.asked[self._next - 1])

    def _ask(self, asked: Asked) -> None:
        octets = _octets(asked, self._cookie)
        asked.keeper = self._keeper
        self._waiting.append(asked)
        self._offsets[asked] = self._given + sum(len(piece) for piece, _ in self._out)
        asked.tries += 1
        asked.began, asked.sent, asked.answers, asked.interims = None, None, [], 0
        if asked.index == len(self.asked) - 1 and self.plan.leaves in {"half", "junk"}:
            octets = octets[: len(octets) // 2] if self.plan.leaves == "half" else JUNK
            asked.left = True
        cut = max(self.plan.cut, len(octets) // 20) or len(octets)
        head = octets.index(HEAD_END) + 4 if asked.ask.expect and HEAD_END in octets else 0
        cuts = [0, *([head] if head else []), *range(head + cut, len(octets), cut), len(octets)]
        pieces = [octets[at:end] for at, end in pairwise(cuts)]
        self._out += [(piece, None) for piece in pieces[:-1]]
        self._out.append((pieces[-1], asked))
        self._expected = asked if head else self._expected
        if not self._sending:
            self._send()

    def _send(self) -> None:
        self._sending = False
        end = self._end
        while self._out and end is not None and not self._sending:
            piece, asked = self._out[0]
            self._note_begin()
            try:
                sent = end.send(piece)
            except BlockingIOError:
                return
            except OSError:
                self._out.clear()
                return
            self._given += sent
            if sent < len(piece):
                self._out[0] = piece[sent:], asked
                continue
            self._out.pop(0)
            if asked is not None:
                asked.sent = self._loop.seconds()
            if self._expected is not None and piece.endswith(HEAD_END):
                self._sending = True
                self._loop.after(PATIENCE, self._waited, self._expected)
            elif self._out and self.plan.rest:
                self._sending = True
                self._loop.after(self.plan.rest, self._send)
        if not self._out and self.plan.leaves in {"end", "half"} and self._next >= len(self.asked):
            self._end_side()

    def _end_side(self) -> None:
        end = self._end
        if end is not None and not (end.broken or end.shut):
            end.shutdown(socket.SHUT_WR)

    def _waited(self, asked: Asked) -> None:
        """A 100 came, or nobody waits for it any longer (RFC 9110 10.1.1)."""
        if self._expected is asked:
            self._expected = None
            self._send()

    def _note_begin(self) -> None:
        for asked in self._waiting:
            if asked.began is None and self._offsets[asked] <= self._given:
                asked.began = self._loop.seconds()

    # -- answers --

    def _is_bare(self) -> bool:
        return bool(self._waiting) and self._waiting[0].ask.method == "HEAD"

    def received(self, data: bytes) -> None:
        """Octets of answers."""
        self._reader.feed(data)
        if self.plan.slow and self._end is not None:
            self._end.pause()
            self._loop.after(self.plan.slow, self._end.go_on)
        try:
            self._read()
        except Unreadable as error:
            self._wrong(f"an answer that cannot be read: {error}")
            self._hang_up(reset=True)
            self._again()

    def _read(self) -> None:
        while self._end is not None:
            message = self._reader.next()
            if message is None or not message.whole:
                return
            if message.status < 200:
                if self._waiting:
                    self._waiting[0].interims += 1
                if message.status == 100 and self._expected is not None:
                    self._loop.after(0.0, self._waited, self._expected)
                continue
            self._take(message)

    def _take(self, message: Message, ended: str = "") -> None:
        """A final answer, or as much as there is of it."""
        if not self._waiting:
            self._wrong("an answer that nobody had asked for")
            return
        asked = self._waiting.pop(0)
        fields = message.fields
        answer = GotAnswer(
            message.status, self._loop.seconds(), fields.get(SERIAL, ""), fields.get(SERVER, ""),
            fields.get(TAG, ""), bytes(message.body), ended,
        )  # fmt: skip
        asked.answers.append(answer)
        if "set-cookie" in fields and not self.plan.alike:
            self._cookie, self._keeper = fields["set-cookie"].partition(";")[0], answer.server
        asked.over = True
        asked.over_at = self._loop.seconds()
        if ended or self._end is None:
            return
        if message.last or self._expected is asked or (self._out and not self._waiting):
            self._hang_up()
            self._again()
        elif not self._waiting:
            self._loop.after(self.plan.pause, self._pause_over, self._end)

    def _pause_over(self, end: End) -> None:
        if self._end is end and not self._waiting:
            self._go_on()

    def _wrong(self, text: str) -> None:
        (self._waiting[0] if self._waiting else self.asked[max(self._next - 1, 0)]).wrong.append(text)

    # -- the end of a connection --

    def ended(self) -> None:
        """FIN."""
        message = self._reader.close()
        if message is not None:
            self._take(message)
        self._over("closed")

    def lost(self) -> None:
        """A reset."""
        self._over("reset")

    def writable(self) -> None:
        """Room for octets."""
        if not self._sending:
            self._send()

    def _over(self, how: str) -> None:
        end = self._end
        if end is None:
            return
        begun = self._reader.began
        if begun is not None and self._waiting:
            self._take(begun, how)
        elif self._reader.rest and self._waiting:
            self._waiting[0].wrong.append(f"a part of a head, then the connection was {how}")
        heard = end.peer.answered_for if end.peer is not None else None
        for asked in self._waiting:
            # What came behind the director's own end it cannot have served, nor what follows a broken answer.
            if begun is not None or (heard is not None and self._offsets[asked] >= heard):
                asked.unheard += 1
            else:
                asked.wrong.append(f"no answer: the connection was {how}")
                asked.over = True
                asked.over_at = self._loop.seconds()
        self._hang_up()
        self._again()

    def _again(self) -> None:
        """Go on with a new connection, with what was not answered."""
        for asked in self._waiting:
            if not asked.over and asked.unheard == 0:
                asked.unheard += 1
        left = [asked for asked in self.asked if not asked.over]
        self._waiting.clear()
        if left and not self.over:
            self._next = left[0].index
            self._loop.after(self.plan.pause, self._call)
        else:
            self.over = True


def tag_of(plan: ClientPlan, index: int) -> str:
    """Which request it is; a client whose requests are all alike tells who it is."""
    return f"c{plan.number}" if plan.alike else f"c{plan.number}.{index}"


def _octets(asked: Asked, cookie: str) -> bytes:
    """The request."""
    ask = asked.ask
    want = f"{ask.size};{ask.framing};{ask.think:g};{ask.hints}"
    fields = [f"Host: {ask.host}", f"X-Sim: {asked.tag}", f"X-Want: {want}"]
    fields += ["Expect: 100-continue"] if ask.expect and ask.upload else []
    fields += ["Connection: close"] if ask.once else []
    fields += [f"Cookie: {cookie}"] if cookie else []
    body = body_of(asked.name, ask.upload)
    if ask.chunked and ask.upload:
        fields.append("Transfer-Encoding: chunked")
        body = chunks(body, max(1, ask.upload // 3))
    elif ask.upload or ask.method in {"POST", "PUT", "PATCH"}:
        fields.append(f"Content-Length: {len(body)}")
    head = f"{ask.method} {ask.target} HTTP/1.1\r\n" + "\r\n".join(fields) + "\r\n\r\n"
    return head.encode("latin-1") + body
