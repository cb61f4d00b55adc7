"""`agent = connect`: what a server says of itself, in one line, as HAProxy's agent-check has it.

Words with spaces, tabs or commas between, in any order, capitals or not; behind `#` whatever follows is for
people (HAProxy's configuration manual, `agent-check`):

    75%                     its weight is three quarters of what is configured; 0% takes nothing new
    maxconn:30              its `max` is 30
    up                      it is alive
    down, failed, stopped   it is dead
    drain, maint            it wants no new clients, or nothing at all
    ready                   it takes back what it said of that

What it does not mention stays as it was.  It can only be stricter than the operator: `ready` ends an order
of its own, never one of an operator's.  A line that is not understood as a whole, that contradicts itself or
comes too late says nothing, and the server keeps its state: an agent is a guest.
"""

from __future__ import annotations

import re

from director.health.probes.base import Judgement, shown
from director.model.pools import LARGEST_COUNT, Advice, State

LONGEST = 1024
"""Octets in which the line must end."""
LARGEST_SHARE = 256
"""Per cent: HAProxy's largest weight is 256 times the smallest."""

_SPLIT = re.compile(r"[ \t,]+")
_NUMBER = re.compile(r"(\d{1,10})%|maxconn:(\d{1,10})")
_ALIVE = {"up": True, "down": False, "failed": False, "stopped": False}
_ORDERS = {"ready": State.READY, "drain": State.DRAIN, "maint": State.MAINT}
Said = tuple[str, object]
"""(what it is about, what is said of it)."""


class AgentProbe:
    """Reads the line.

    Attributes:
        advice: what it says beyond life and death; None until it said anything.
    """

    resets = True

    def __init__(self) -> None:
        self.judgement: Judgement | None = None
        self.enough = False
        self.advice: Advice | None = None
        self._line = b""

    def begin(self) -> bytes:
        """The agent speaks first."""
        return b""

    def feed(self, data: bytes) -> bytes:
        """Take octets until the line ends."""
        if self.judgement is None:
            self._line += data
            line, ended, _ = self._line.partition(b"\n")
            if len(line) > LONGEST:
                self._judge(None, f"it says more than {LONGEST} octets: {shown(line)}")
            elif ended:
                self._read(line)
        return b""

    def closed(self) -> Judgement:
        """The end of the connection ends the line, too."""
        if self.judgement is None:
            self._read(self._line)
        return self.judgement or (None, "")

    def _judge(self, alive: bool | None, why: str) -> None:
        self.judgement, self.enough = (alive, why), True

    def _read(self, line: bytes) -> None:
        text, _, remark = line.decode("latin-1").partition("#")
        words = [word for word in _SPLIT.split(text.strip().lower()) if word]
        if not words:
            self._judge(None, "it says nothing")
            return
        said: dict[str, object] = {}
        for word in words:
            about, meant = _meaning(word)
            if meant is None or said.get(about, meant) != meant:
                why = "is not understood" if meant is None else "contradicts what it said before"
                self._judge(None, f"{shown(word.encode('latin-1'))} {why} in {shown(line.strip())}")
                return
            said[about] = meant
        self.advice = Advice(
            share=said.get("share"),  # type: ignore[arg-type]  # `_meaning` gives each its own type
            state=said.get("state"),  # type: ignore[arg-type]
            max=said.get("max"),  # type: ignore[arg-type]
        )
        note = f": {shown(remark.strip().encode('latin-1'))}" if remark.strip() else ""
        alive = said.get("alive")
        self._judge(alive if isinstance(alive, bool) else None, f"it says {' '.join(words)}{note}")


def _meaning(word: str) -> tuple[str, object | None]:
    """What a word is about, and what it says; None when nobody knows."""
    if word in _ALIVE:
        return "alive", _ALIVE[word]
    if word in _ORDERS:
        return "state", _ORDERS[word]
    found = _NUMBER.fullmatch(word)
    if found is None:
        return "", None
    if found[1]:
        return "share", int(found[1]) if int(found[1]) <= LARGEST_SHARE else None
    return "max", int(found[2]) if int(found[2]) <= LARGEST_COUNT else None
