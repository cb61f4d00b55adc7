"""Two ends of synchronisation without a network: what a master sends is kept, in order, by port."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from director.model.virtual import SyncDaemon
from director.sync.io import sockets


class Wire:
    """What `sockets` opens instead of multicast: pairs of local datagram sockets."""

    def __init__(self) -> None:
        self.near: list[socket.socket] = []
        self.far: list[socket.socket] = []
        self.missing = False

    def sender(self, daemon: SyncDaemon, index: int) -> socket.socket:
        if self.missing:
            raise OSError(19, "No such device")
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        near.setblocking(False)
        far.setblocking(False)
        self.near.append(near)
        self.far.append(far)
        return near

    def sent(self, port: int = 0) -> list[bytes]:
        """The datagrams of one port since it was asked last."""
        found = []
        while True:
            try:
                found.append(self.far[port].recv(65535))
            except BlockingIOError:
                return found

    def close(self) -> None:
        for one in self.near + self.far:
            one.close()


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    made = Wire()
    monkeypatch.setattr(sockets, "sender", made.sender)
    yield made
    made.close()
