"""What the forwarder says about a frame; the shell does it."""

from __future__ import annotations

from attrs import frozen


@frozen
class Transmit:
    """Send `frame` on `ifindex` with its virtio header."""

    ifindex: int
    frame: bytearray
    offload: bytes = b""


@frozen
class Hold:
    """Send `frame` once the link-layer address of `next_hop` is known; bytes 0 to 5 are filled then."""

    next_hop: bytes
    ifindex: int
    frame: bytearray
    offload: bytes = b""


@frozen
class Deliver:
    """Not the director's: the host's own stack decides."""


@frozen
class Drop:
    """Forget the frame; `reason` names the counter."""

    reason: str


@frozen
class Batch:
    """Several verdicts, in order."""

    verdicts: tuple[Transmit | Hold | Deliver | Drop, ...]


Verdict = Transmit | Hold | Deliver | Drop | Batch
