"""Pipes of the kernel, in memory: octets go from one connection to another without being looked at."""

from __future__ import annotations

from typing import Any

from director.l7.io.pipes import PIPE_OCTETS, Pipe, Pipes
from director.program.simulation.network import Network


class MemoryPipe(Pipe):
    """One pipe; `size` is what is in it."""

    __slots__ = ("_held", "_network")

    def __init__(self, pipes: MemoryPipes, network: Network) -> None:  # no descriptors are opened
        self._pipes = pipes
        self._network = network
        self._held = b""
        self.size = 0

    def fill(self, source: int, most: int) -> int:
        """Take up to so many octets from a connection."""
        end: Any = self._network.ends[source]
        self._held = end.recv(min(most, PIPE_OCTETS))
        self.size = len(self._held)
        return self.size

    def empty_into(self, target: int) -> int:
        """Give a connection what it takes."""
        end: Any = self._network.ends[target]
        sent: int = end.send(self._held)
        self._held = self._held[sent:]
        self.size = len(self._held)
        return sent

    def close(self) -> None:
        """There is nothing to close."""
        self._held = b""


class MemoryPipes(Pipes):
    """The pipes of a simulated director."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.usable = True
        self._network = network
        self.lent = 0

    def borrow(self) -> Pipe | None:
        """An empty one, unless all are lent."""
        if self.lent >= self._limit:
            return None
        self.lent += 1
        return MemoryPipe(self, self._network)

    def put(self, pipe: Pipe) -> None:
        """One comes back."""
        self.lent -= 1

    def lost(self) -> None:
        """One was given up with octets in it."""
        self.lent -= 1
