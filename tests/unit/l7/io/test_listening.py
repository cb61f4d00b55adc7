"""One address of a service while it waits for its port; what it accepts is in `test_service`."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

from twisted.internet.task import Clock

from director.l7.io.listener import Listener, bind
from director.l7.io.listening import Listening
from director.l7.io.waiting import TRY_AGAIN
from director.model.http import L7Service
from director.model.pools import Address
from director.registry.live import LiveService


class Loop(Clock):
    """Readers are kept, not read."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[Any] = []
        self.addReader, self.removeReader = self.readers.append, self.readers.remove


def test_an_address_that_waits_goes_to_another_service_and_is_opened_there() -> None:
    loop = Loop()
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = Address(*other.getsockname())
        ground: Any = SimpleNamespace(reactor=loop, own_sockets=True, bind=bind, clients=0, max_clients=9)
        config = SimpleNamespace(max_connections=0)
        live = LiveService("l7:www", L7Service("www", (address,)))
        handle: Any = SimpleNamespace(current=SimpleNamespace(is_http=True, config=config, live=live))
        before, after = Listening(ground, handle, address), Listening(ground, handle, address)
        before.wait("the address is in use")
        after.inherit(before)
        loop.advance(TRY_AGAIN)
        assert after.port.error.startswith("the address is in use; stop the other program")
    loop.advance(TRY_AGAIN)
    assert isinstance(after.port, Listener)
    assert loop.readers == [after.port]
    assert before.port is None
    after.close()
    assert loop.readers == []
