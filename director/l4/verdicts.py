"""What the forwarder says about a frame; the shell does it.

Plain tuples with names.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple, Protocol

from director.l4.flows import FastPathEntry


class Transmit(NamedTuple):
    """Send `frame` (whole, both MAC addresses set) on `ifindex` with its virtio header (empty = none)."""

    ifindex: int
    frame: bytearray
    offload: bytes = b""


class Hold(NamedTuple):
    """Send `frame` once the link-layer address of `next_hop` (packed) is known; bytes 0 to 5 are filled then.

    The shell keeps it in a bounded queue and starts resolving.
    """

    next_hop: bytes
    ifindex: int
    frame: bytearray
    offload: bytes = b""


class Deliver(NamedTuple):
    """Not the director's, or for this host: the host's own stack decides (ACCEPT of IPVS).

    `whole` is the datagram put together when the frame was the last of its fragments; `pieces` how it
    must go on when the host forwards it and may not cut it itself (IPv6).
    """

    why: str = ""
    whole: bytearray | None = None
    pieces: tuple[bytearray, ...] = ()


class Drop(NamedTuple):
    """Forget the frame; `reason` names the counter, which the forwarder has already raised."""

    reason: str


class Later:
    """Do what was decided, but only after `seconds`; or sooner, if somebody takes it out to do it now."""

    __slots__ = ("_decided", "seconds")

    def __init__(self, seconds: float, decided: Outcome) -> None:
        self.seconds = seconds
        self._decided: Outcome | None = decided

    @property
    def waits(self) -> bool:
        """Nobody took it yet."""
        return self._decided is not None

    def take(self) -> Outcome | None:
        """What was decided, to be done now; None when somebody else has it."""
        decided, self._decided = self._decided, None
        return decided


class Batch(NamedTuple):
    """Several verdicts, in order; may be empty."""

    verdicts: tuple[Transmit | Hold | Deliver | Drop | Later, ...]


Single = Transmit | Hold | Deliver | Drop | Later
Outcome = Single | Batch
"""What is done with a packet that was decided."""


class Install(NamedTuple):
    """Do what `verdict` says; the packets after this one may go as `entry` says without being asked about."""

    entry: FastPathEntry
    verdict: Outcome


Verdict = Outcome | Install | FastPathEntry
"""An entry says: send the frame that was given, as it stands now, on the entry's `ifindex`, with the virtio
header it came with.  The hot path answers so, since nothing has to be made for it."""


def batch(verdicts: list[Single]) -> Outcome:
    """One verdict out of many: itself when there is but one."""
    return verdicts[0] if len(verdicts) == 1 else Batch(tuple(verdicts))


class ForwarderDoor(Protocol):
    """The pure room behind this shell.

    `memory` is told the free pages of the machine; the shell takes `notes` out and logs them.
    """

    memory: int
    notes: deque[str]

    def receive(self, frame: bytearray, ifindex: int, now: float, offload: bytes = b"") -> Verdict:
        """One frame in, one verdict out."""

    def tick(self, now: float) -> Verdict | None:
        """Time passes; may return a verdict."""

    def close(self) -> None:
        """Give every claim on a server back."""


OTHER_HOST = Deliver("other_host")
NOT_IP = Deliver("not_ip")
UNKNOWN_PROTOCOL = Deliver("unknown_protocol")
ICMP_QUERY = Deliver("icmp_query")
WAITING = Batch(())
"""A fragment was kept: nothing to do yet."""
