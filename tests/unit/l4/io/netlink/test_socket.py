"""The kernel answers these questions to anybody, so they need no privileges."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

import pytest
from twisted.python.failure import Failure

from director.l4.io.netlink import rtnetlink
from director.l4.io.netlink.socket import NetlinkReader, NetlinkSocket
from tests.support.readers import Readers

LOOPBACK = socket.inet_aton("127.0.0.1")


@pytest.fixture
def asker() -> Iterator[NetlinkSocket]:
    with contextlib.closing(NetlinkSocket()) as made:
        yield made


def test_the_loopback_is_a_link_with_the_name_the_system_gives_it(asker: NetlinkSocket) -> None:
    links = {one.name: one for one in asker.dump(rtnetlink.GET_LINK) if isinstance(one, rtnetlink.KernelLink)}
    assert links["lo"].ifindex == socket.if_nametoindex("lo")


def test_the_loopbacks_address_is_local(asker: NetlinkSocket) -> None:
    route = asker.route(LOOPBACK)
    assert route is not None
    assert route.local
    assert route.ifindex == socket.if_nametoindex("lo")


def test_many_questions_get_their_own_answers(asker: NetlinkSocket) -> None:
    for number in range(1, 100):
        found = asker.route(bytes([127, 0, 0, number]))
        assert found is not None
        assert found.local
    assert asker.dump(rtnetlink.GET_ADDRESS)


def test_an_order_without_the_right_to_give_it_raises(asker: NetlinkSocket) -> None:
    with pytest.raises(OSError, match=r"EADDRNOTAVAIL|EPERM"):
        asker.delete_address(socket.if_nametoindex("lo"), bytes([127, 99, 99, 99]))


def test_the_reader_reads_until_it_is_closed() -> None:
    reactor = Readers()
    lost: list[int] = []
    reader = NetlinkReader(reactor, lambda _fact: None, lambda: lost.append(1))
    reader.start()
    assert reactor.reading == {reader}
    reader.doRead()
    assert lost == []
    descriptor = reader.fileno()
    reader.close()
    reader.close()
    assert reactor.reading == set()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(descriptor)


def test_an_error_on_the_socket_reads_all_anew() -> None:
    reactor = Readers()
    lost: list[int] = []
    reader = NetlinkReader(reactor, lambda _fact: None, lambda: lost.append(1))
    reader.start()
    reader.connectionLost(Failure(OSError(105, "no room")))
    assert (lost, reader.overruns) == ([1], 1)
    assert reactor.reading == {reader}
    reader.close()
