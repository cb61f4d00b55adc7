"""One address for several processes: all queues get clients, and nobody else gets in."""

from __future__ import annotations

import socket

import pytest

from director.l7.io.listener import BindError, bind
from director.l7.io.sharing import share
from director.model.pools import Address
from tests.support.running import free_port


def accepted(group: list[socket.socket]) -> list[int]:
    """How many wait in each queue."""
    found = []
    for sock in group:
        count = 0
        try:
            while True:
                sock.accept()[0].close()
                count += 1
        except BlockingIOError:
            found.append(count)
    return found


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", ""])
def test_clients_are_shared_among_the_queues(host: str) -> None:
    address = Address(host, free_port())
    group = share(address, 3)
    for _ in range(60):
        socket.create_connection((host or "127.0.0.1", address.port), 1).close()
    found = accepted(group)
    assert sum(found) == 60
    assert all(found), "the kernel hashes clients over all (socket(7), SO_REUSEPORT)"
    for sock in group:
        sock.close()


def test_an_address_that_another_program_has_is_refused() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(BindError, match="in use; stop the other program"),
    ):
        share(Address("127.0.0.1", taken.getsockname()[1]), 2)


def test_a_group_lets_no_stranger_in_and_its_successors_only_when_they_ask() -> None:
    address = Address("127.0.0.1", free_port())
    old = share(address, 2)
    for refused in (lambda: share(address, 2), lambda: [bind(address)]):
        with pytest.raises(BindError):
            refused()
    new = share(address, 2, join=True)
    for sock in old:
        sock.close()
    with socket.create_connection(("127.0.0.1", address.port), 1):
        assert sum(accepted(new)) == 1
    for sock in new:
        sock.close()


def test_an_address_that_the_machine_will_have_can_be_listened_on() -> None:
    """IP_FREEBIND (ip(7)): a standby has its address when it is needed."""
    for sock in share(Address("192.0.2.77", free_port()), 2):
        sock.close()
