"""Servers as they are played: they do what a request asks for, until their trouble begins.

    refuse      connects are refused            silent      connects are not answered
    crash       all connections are reset, connects refused until it is over
    leave       idle connections are closed, the others behind their answer, connects refused
    hang        requests are not answered       slow N      answers come N seconds later
    empty       the connection ends without an answer
    reset N     it is reset behind N octets of an answer; truncate N: it ends there
    garbage     the answer is none              status N    it is that status
    drip N      an answer comes in pieces of N octets (a hundred at most), 50 ms between
    surplus     octets follow an answer         idle N      a kept connection is closed after N seconds
    early       it answers and closes before it has read the request's body
    deaf        bodies are not read             sick        health checks alone fail

Each notes what it received and what it sent (`Receipt`): the promises are held against that.
"""

from __future__ import annotations

import contextlib
from typing import Any

from attrs import define, field

from director.program.simulation.messages import Message, Reader, Unreadable, body_of, chunks
from director.program.simulation.network import ACCEPT, REFUSE, SILENCE
from director.program.simulation.schedule import Trouble
from director.program.simulation.sockets import End

TROUBLES = (
    "refuse", "silent", "crash", "leave", "hang", "slow", "empty", "reset", "truncate", "garbage", "status",
    "drip", "surplus", "idle", "early", "deaf", "sick",
)  # fmt: skip
TAG, WANT, SERIAL, SERVER = "x-sim", "x-want", "x-serial", "x-server"
"""Fields: which request it is, what its answer shall be; which answer it is, and whose."""
DRIP_SECONDS = 0.05
DRIPS = 100
"""Pieces of an answer at most: a run must come to its end."""
CHUNK = 1000
DOWN = frozenset({"crash", "leave", "refuse"})


@define(eq=False)
class Receipt:
    """One request that a server got, as far as it has got it.

    Attributes:
        started: its first octet came; `time`: its head was here.
        tag, identity: which one it is, by the client and by the director.
        body: what came of its body.  whole: all of it.
        serial: of the answer.  answered: all of it was given to the network, and not taken back.
        failed: what the server did wrong with it.
        beside: requests that the director had under way here when it came, itself included.
    """

    server: str
    time: float
    method: str
    tag: str
    serial: str
    beside: int = 1
    body: bytearray = field(factory=bytearray)
    whole: bool = False
    answered: bool = False
    failed: str = ""


class PlayedServer:
    """One server, at one address, whatever pools name it.

    Attributes:
        receipts: the requests that it got; `probed` health checks.
        visits: connections that are open.
    """

    def __init__(self, loop: Any, name: str) -> None:
        self.loop = loop
        self.name = name
        self.receipts: list[Receipt] = []
        self.probed = 0
        self.visits: list[Visit] = []
        self._troubles: list[Trouble] = []
        self._serial = 0

    # -- trouble --

    def begin(self, trouble: Trouble) -> None:
        """It begins."""
        self._troubles.append(trouble)
        self.loop.at(trouble.until, self._troubles.remove, trouble)
        for visit in list(self.visits):
            if trouble.kind == "crash":
                visit.crash()
            elif trouble.kind == "leave":
                visit.leave()

    def trouble(self, *kinds: str) -> Trouble | None:
        """The one of these kinds that was begun first."""
        return next((one for one in self._troubles if one.kind in kinds), None)

    # -- the network --

    def called(self) -> str:
        """SYN."""
        if self.trouble(*DOWN):
            return REFUSE
        return SILENCE if self.trouble("silent") else ACCEPT

    def came(self, end: End) -> None:
        """A connection."""
        self.visits.append(Visit(self, end))

    def serial(self) -> str:
        """A new one."""
        self._serial += 1
        return f"{self.name}#{self._serial}"

    def under_way(self) -> int:
        """Requests that the director, as far as it is concerned, has under way here."""
        return sum(visit.is_busy for visit in self.visits)


class Visit:
    """One connection to a played server."""

    def __init__(self, server: PlayedServer, end: End) -> None:
        self._server = server
        self._loop = server.loop
        self._end = end
        self._reader = Reader()
        self._receipt: Receipt | None = None
        self._message: Message | None = None
        self._out = bytearray()
        self._last = False
        self._over = False
        self._dripping = 0
        self._ticking = False
        self._turn = 0
        end.watch(self)

    @property
    def is_busy(self) -> bool:
        """The director waits for an answer here."""
        peer = self._end.peer
        open_there = peer is not None and peer.number != -1 and not peer.shut
        return open_there and self._receipt is not None and not self._receipt.answered

    # -- from the network --

    def received(self, data: bytes) -> None:
        """Octets of requests."""
        if self._over:
            return
        self._reader.feed(data)
        self._read()

    def _read(self) -> None:
        try:
            while not self._over and not self._out:
                before = self._message
                if before is not None and before.whole:
                    return
                message = self._reader.next()
                if message is None:
                    return
                self._got(message)
                if not message.whole:
                    return
        except Unreadable as error:
            if self._receipt is not None:
                self._receipt.failed = f"unreadable request: {error}"
            self.crash()

    def ended(self) -> None:
        """FIN of the director: nothing more will be asked."""
        self._close()

    def lost(self) -> None:
        """A reset of the director's."""
        self._gone("")

    def writable(self) -> None:
        """Room for octets."""
        self._write()

    # -- requests --

    def _got(self, message: Message) -> None:
        """A head is here, or more of a body."""
        first = self._message is not message
        self._message = message
        if TAG not in message.fields:
            if message.whole:
                self._server.probed += 1
                self._probed()
            return
        if first:
            self._begin(message)
        receipt = self._receipt
        if receipt is not None:
            receipt.body = message.body
            receipt.whole = message.whole
            if message.whole and not receipt.failed:
                self._later(message, receipt)

    def _begin(self, message: Message) -> None:
        server = self._server
        receipt = self._receipt = Receipt(
            server.name, self._loop.seconds(), message.words[0], message.fields[TAG], server.serial()
        )
        server.receipts.append(receipt)
        receipt.beside = server.under_way()
        if message.fields.get("expect") and not message.whole and not server.trouble("deaf", "early", "hang"):
            self._say(b"HTTP/1.1 100 Continue\r\n\r\n")
        if server.trouble("deaf") and not message.whole:
            receipt.failed = "deaf"
            self._end.pause()
        elif server.trouble("early") and not message.whole:
            receipt.failed = "early"
            self._answer(message, receipt)

    def _probed(self) -> None:
        sick = self._server.trouble("sick", "status", "hang", "empty", "reset", "garbage")
        self._message = None
        if sick is not None and sick.kind == "hang":
            return
        if sick is not None and sick.kind in {"empty", "reset"}:
            self._close()
            return
        status = "500 Sick" if sick is not None else "200 OK"
        self._last = True
        self._put(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok".encode())

    def _later(self, message: Message, receipt: Receipt) -> None:
        """When it has thought."""
        slow = self._server.trouble("slow")
        seconds = float(message.fields[WANT].split(";")[2]) + (slow.number if slow is not None else 0.0)
        self._turn += 1
        self._loop.after(seconds, self._thought, self._turn, message, receipt)

    def _thought(self, turn: int, message: Message, receipt: Receipt) -> None:
        if not self._over and turn == self._turn:
            self._answer(message, receipt)

    # -- answers --

    def _answer(self, message: Message, receipt: Receipt) -> None:
        trouble = self._server.trouble(
            "hang", "empty", "garbage", "status", "reset", "truncate", "drip", "surplus", "idle", "leave"
        )
        kind, number = (trouble.kind, int(trouble.number)) if trouble is not None else ("", 0)
        if kind in {"hang", "empty", "garbage"}:
            receipt.failed = kind
        if kind == "hang":
            return
        if kind == "empty":
            self._close()
            return
        for _ in range(int(message.fields[WANT].split(";")[3])):
            self._say(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        octets = self._octets(message, receipt, number if kind == "status" else 200)
        if kind == "garbage":
            octets, self._last = b"\x00\x01 this is no answer\r\n\r\n", True
        elif kind in {"reset", "truncate"} and number < len(octets):
            receipt.failed = kind
            self._put(octets[:number])
            self._loop.after(0.001, self.crash if kind == "reset" else self._close)
            return
        elif kind == "surplus" and not self._last:
            octets += b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong"
        if receipt.failed == "early" or kind == "leave":
            self._last = True
        self._dripping = max(number, len(octets) // DRIPS) if kind == "drip" else 0
        if kind == "idle":
            assert trouble is not None  # noqa: S101 - its kind was just read
            self._turn += 1
            self._loop.after(trouble.number, self._idled, self._turn)
        self._put(octets)

    def _octets(self, message: Message, receipt: Receipt, status: int) -> bytes:
        """The whole answer."""
        size, framing = message.fields[WANT].split(";")[:2]
        body = body_of(receipt.serial, int(size))
        fields = [f"X-Sim: {receipt.tag}", f"X-Serial: {receipt.serial}", f"X-Server: {receipt.server}"]
        payload = body
        if framing == "chunked":
            fields.append("Transfer-Encoding: chunked")
            payload = chunks(body, CHUNK)
        elif framing == "length" or message.words[0] == "HEAD":
            fields.append(f"Content-Length: {len(body)}")
        if framing == "close" or receipt.failed == "early" or self._server.trouble("leave"):
            fields.append("Connection: close")
            self._last = True
        head = f"HTTP/1.1 {status} Played\r\n" + "\r\n".join(fields) + "\r\n\r\n"
        return head.encode() + (b"" if message.words[0] == "HEAD" else payload)

    def _idled(self, turn: int) -> None:
        if turn == self._turn and self._message is None and not self._out:
            self._close()

    # -- sending --

    def _say(self, octets: bytes) -> None:
        """An interim answer, if there is room for it: nobody waits for one."""
        with contextlib.suppress(OSError):
            self._end.send(octets)

    def _put(self, octets: bytes) -> None:
        self._out += octets
        self._write()

    def _write(self) -> None:
        if self._over or self._ticking:
            return
        while self._out:
            piece = self._out[: self._dripping or len(self._out)]
            try:
                sent = self._end.send(piece)
            except BlockingIOError:
                return
            except OSError:
                self._gone("")
                return
            del self._out[:sent]
            if self._dripping and self._out:
                self._ticking = True
                self._loop.after(DRIP_SECONDS, self._tick)
                return
        self._sent()

    def _tick(self) -> None:
        self._ticking = False
        self._write()

    def _sent(self) -> None:
        receipt = self._receipt
        if receipt is not None and not receipt.failed:
            receipt.answered = True
        if self._last:
            self._close()
        elif receipt is None or not receipt.failed:
            self._receipt = self._message = None
            self._read()

    # -- the end --

    def crash(self) -> None:
        """Reset."""
        self._gone("crash")
        self._end.abort()

    def leave(self) -> None:
        """Close now, or behind the answer under way."""
        if self._message is None and not self._out:
            self._close()
        else:
            self._last = True

    def _close(self) -> None:
        if self._over:
            return
        self._gone("closed" if self._receipt is not None and not self._receipt.answered else "")
        self._end.close()

    def _gone(self, why: str) -> None:
        if self._over:
            return
        self._over = True
        if self._receipt is not None and why and not self._receipt.answered:
            self._receipt.failed = self._receipt.failed or why
        if self in self._server.visits:
            self._server.visits.remove(self)
        if self._end.number != -1 and not why:
            self._end.close()
