"""LVS's orders against the admin in memory: what the registry then has, and what is listed of it."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from director.cli.client import Refused
from director.cli.lvs.remote import PAGE, RemoteTable, kernel_error, name_of, server_name
from director.cli.lvs.table import ConnectionLine, Daemon, Destination, IpvsService, KernelError
from director.model.pools import Forward, Tunnel
from director.model.virtual import Virtual
from director.registry.ledger import claim
from director.registry.reports import ConnectionEntry
from tests.unit.cli.memory import MemoryClient

WEB = Virtual("tcp", "192.0.2.1", 80)
SERVICE = IpvsService(WEB, "sh", ("sh-fallback", "sh-port"), 300, 24)
FIRST = Destination("10.0.0.1", 80, Forward.DR, 2)
SECOND = Destination("10.0.0.2", 80, Forward.TUN, 1, 9, 4, Tunnel("gue", 6080, "csum"))


@pytest.fixture
def client() -> MemoryClient:
    return MemoryClient()


@pytest.fixture
def table(client: MemoryClient) -> RemoteTable:
    made = RemoteTable(lambda: client)  # type: ignore[arg-type,return-value]
    made.flush()
    return made


def refused(call: Any, *arguments: Any) -> str:
    with pytest.raises(KernelError) as caught:
        call(*arguments)
    return caught.value.code


def test_what_is_added_is_listed_newest_first(table: RemoteTable, client: MemoryClient) -> None:
    table.add_service(SERVICE)
    table.add_destination(WEB, FIRST)
    table.add_destination(WEB, SECOND)
    wanted = evolve(SERVICE, destinations=(SECOND, FIRST))
    assert table.services() == (wanted,)
    assert table.service(WEB) == wanted
    registry = client.admin.control.registry
    assert registry.services["l4:tcp-192.0.2.1-80"].config.pool == "tcp-192.0.2.1-80"
    assert [one.name for one in registry.pools["tcp-192.0.2.1-80"].servers] == ["10.0.0.1-80", "10.0.0.2-80"]


@pytest.mark.parametrize(
    ("virtual", "name"),
    [
        (Virtual("udp", "2001:db8::1", 53, 0, 6), "udp-2001-db8--1-53"),
        (Virtual("tcp", "::1", 80, 0, 6), "tcp---1-80"),
        (Virtual(fwmark=7), "fwmark-7"),
        (Virtual(fwmark=7, family=6), "fwmark-7-inet6"),
    ],
)
def test_every_kind_of_service_has_a_name(table: RemoteTable, virtual: Virtual, name: str) -> None:
    assert name_of(virtual) == name
    table.add_service(IpvsService(virtual, "rr"))
    assert table.services() == (IpvsService(virtual, "rr"),)
    host = "::2" if virtual.family == 6 else "10.0.0.2"
    assert server_name("::2", 80) == "0--2-80"
    table.add_destination(virtual, Destination(host, 80, Forward.NAT))
    assert table.service(virtual).destinations == (Destination(host, 80, Forward.NAT),)


def test_an_edit_says_all_anew(table: RemoteTable) -> None:
    table.add_service(SERVICE)
    table.add_destination(WEB, SECOND)
    table.edit_service(IpvsService(WEB, "rr"))
    table.edit_destination(WEB, Destination("10.0.0.2", 80))
    assert table.service(WEB) == IpvsService(WEB, "rr", destinations=(Destination("10.0.0.2", 80),))


def test_one_packet_scheduling_and_the_engine(table: RemoteTable) -> None:
    sip = Virtual("udp", "192.0.2.1", 5060)
    wanted = IpvsService(sip, "rr", (), 60, None, "sip", ops=True)
    table.add_service(wanted)
    assert table.services() == (wanted,)


def test_the_kernels_errors(table: RemoteTable, client: MemoryClient) -> None:
    assert refused(table.service, WEB) == "ESRCH"
    assert refused(table.edit_service, SERVICE) == "ESRCH"
    assert refused(table.delete_service, WEB) == "ESRCH"
    assert refused(table.add_destination, WEB, FIRST) == "ESRCH"
    table.add_service(SERVICE)
    assert refused(table.add_service, SERVICE) == "EEXIST"
    assert refused(table.edit_destination, WEB, FIRST) == "ENOENT"
    assert refused(table.delete_destination, WEB, FIRST) == "ENOENT"
    table.add_destination(WEB, FIRST)
    assert refused(table.add_destination, WEB, FIRST) == "EEXIST"
    assert refused(table.add_destination, WEB, evolve(SECOND, lower=10)) == "ERANGE"
    pools = set(client.admin.control.registry.pools)
    other = Virtual("tcp", "192.0.2.9", 80)
    assert refused(table.add_service, IpvsService(other, "rr", (), 60, None, "none")) == "ENOENT"
    assert set(client.admin.control.registry.pools) == pools, "nothing is left of what was refused"
    assert refused(table.stop_daemon, "master") == "ESRCH"
    assert refused(table.start_daemon, Daemon("master", "no-such-device")) == "ENODEV"
    assert table.daemons() == ()


def test_daemons(table: RemoteTable) -> None:
    table.start_daemon(Daemon("backup", "lo", 7))
    table.start_daemon(Daemon("master", "lo", 8, 1400, "ff02::81", 9000, 3))
    assert refused(table.start_daemon, Daemon("master", "lo")) == "EEXIST"
    assert table.daemons() == (
        Daemon("master", "lo", 8, 1400, "ff02::81", 9000, 3),
        Daemon("backup", "lo", 7, 1472, "224.0.0.81", 8848, 1),
    )
    table.stop_daemon("master")
    assert [one.role for one in table.daemons()] == ["backup"]
    assert refused(table.stop_daemon, "master") == "ESRCH"


def test_a_scheduler_that_is_not_there() -> None:
    """The registry's answer to an unknown name is 404 at the pool."""

    class Without(MemoryClient):
        def post(self, *segments: str, order: Any = None, query: str = "", patience: float = 0.0) -> Any:
            if segments == ("changes",) and order["changes"][-1]["keys"]["scheduler"] == "none":
                raise Refused("no such scheduler: none", "pool tcp-192.0.2.1-80", 404)
            return super().post(*segments, order=order, query=query)

    client = Without()
    pools = set(client.admin.control.registry.pools)
    assert refused(RemoteTable(lambda: client).add_service, IpvsService(WEB, "none")) == "ENOENT"  # type: ignore[arg-type,return-value]
    assert set(client.admin.control.registry.pools) == pools


def test_nobody_there_is_no_error_of_the_kernel() -> None:
    away = Refused("no director is running there", code=3)
    with pytest.raises(Refused) as caught:
        kernel_error(away)
    assert caught.value is away
    assert kernel_error(Refused("you may only look", status=403)).code == "EPERM"


def test_a_service_goes_with_its_own_pool_and_leaves_one_of_the_file(client: MemoryClient) -> None:
    table = RemoteTable(lambda: client)  # type: ignore[arg-type,return-value]
    registry = client.admin.control.registry
    before = set(registry.pools)
    table.add_service(SERVICE)
    table.add_destination(WEB, FIRST)
    claim(registry.pools["tcp-192.0.2.1-80"].servers[0])
    table.delete_destination(WEB, FIRST)
    assert table.service(WEB).destinations == ()
    table.delete_service(WEB)
    assert set(registry.pools) == before
    table.flush()
    assert table.services() == ()
    assert set(registry.pools) == before


def test_figures_and_zeroing(table: RemoteTable, client: MemoryClient) -> None:
    table.add_service(SERVICE)
    table.add_destination(WEB, FIRST)
    registry = client.admin.control.registry
    server = registry.pools["tcp-192.0.2.1-80"].servers[0]
    registry.services["l4:tcp-192.0.2.1-80"].stats.traffic.cells[:] = [1, 2, 3, 4, 5]
    server.stats.traffic.cells[:] = [6, 7, 8, 9, 10]
    claim(server)
    found = table.service(WEB)
    assert found.stats == (1, 2, 3, 4, 5)
    assert (found.destinations[0].stats, found.destinations[0].active) == ((6, 7, 8, 9, 10), 1)
    table.zero(WEB)
    assert table.service(WEB).stats == (0, 0, 0, 0, 0)
    table.zero(None)
    assert refused(table.zero, Virtual("tcp", "192.0.2.9", 80)) == "ESRCH"


def test_time_outs(table: RemoteTable, client: MemoryClient) -> None:
    assert (table.timeouts(), table.size()) == ((900, 120, 300), 4096)
    table.set_timeouts(3600, 0, 60)
    assert table.timeouts() == (3600, 120, 60)
    generation = client.admin.control.registry.generation
    table.set_timeouts(0, 0, 0)
    assert client.admin.control.registry.generation == generation


def test_connections_come_in_pages() -> None:
    asked: list[str] = []
    one = {
        "protocol": "TCP", "client": "192.0.2.7:40123", "virtual": "[2001:db8::1]:80",
        "target": "10.0.0.1:80", "state": "FIN_WAIT", "expires": 119.9, "id": 7, "engine": "",
        "data": "",
    }  # fmt: skip
    pages = [[one] * PAGE, [one]]

    class Paging(MemoryClient):
        def get(self, *segments: str, query: str = "") -> Any:
            asked.append(query)
            return pages.pop(0)

    found = RemoteTable(Paging).entries()  # type: ignore[arg-type]
    assert len(found) == PAGE + 1
    assert asked == ["limit=1000", "limit=1000&after=7"]
    ends = ("192.0.2.7", 40123), ("2001:db8::1", 80), ("10.0.0.1", 80)
    assert found[0] == ConnectionLine("TCP", 119, "FIN_WAIT", *ends)


def test_the_fields_of_a_connection_are_the_apis(table: RemoteTable, client: MemoryClient) -> None:
    client.admin.control.flows.append(
        ConnectionEntry(
            "UDP",
            "192.0.2.7:53",
            "192.0.2.1:53",
            "10.0.0.1:53",
            "UDP",
            12.0,
            "dns",
            "a",
            "Masq",
            1,
            template=False,
        )
    )
    assert [one.protocol for one in table.entries()] == ["UDP"]


def test_what_is_not_kept_is_known(table: RemoteTable, client: MemoryClient) -> None:
    assert not table.unkept
    client.admin.control.lost = "the disk is full"
    table.add_service(SERVICE)
    assert table.unkept


def test_an_order_is_one_generation_and_can_be_given_again_once_undone(
    table: RemoteTable, client: MemoryClient
) -> None:
    def last() -> int:
        return int(client.get("generations", query="limit=1")[0]["number"])

    before = last()
    table.add_service(SERVICE)
    assert last() == before + 1
    client.post("generations", str(last()), "undo")
    assert (table.services(), client.get("pools")) == (
        (),
        [one for one in client.get("pools") if one["servers"]],
    )
    table.add_service(SERVICE)
    table.add_service(IpvsService(Virtual(fwmark=7), "rr"))
    before = last()
    table.flush()
    assert last() == before + 1
