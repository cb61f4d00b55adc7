"""What the registry has when the command has done its work, on services of its own and on the file's."""

from __future__ import annotations

import pytest
from attrs import evolve

from director.cli.client import Refused
from director.cli.lvs.tcpvs import command
from director.cli.lvs.tcpvs.remote import RemoteServices, kernel_error
from director.cli.lvs.tcpvs.table import TcpvsServer, TcpvsService
from director.model.pools import Address
from tests.unit.cli.memory import MemoryClient

ONE = Address("10.0.0.1", 80)


@pytest.fixture
def client() -> MemoryClient:
    return MemoryClient()


@pytest.fixture
def table(client: MemoryClient) -> RemoteServices:
    return RemoteServices(lambda: client)  # type: ignore[arg-type,return-value]


def one_of(table: RemoteServices, ident: str) -> TcpvsService:
    return command.find(table.services(), ident)


def test_what_is_put_is_found(table: RemoteServices, client: MemoryClient) -> None:
    made = command.with_server(TcpvsService("x", redirect=Address("127.0.0.1", 99)), TcpvsServer(ONE, 4))
    table.put((), (made,))
    found = one_of(table, "x")
    assert evolve(found, pool="") == made
    view = client.get("services", "l7:x")
    assert (view["start"], view["fault"]) == (False, ["active", "local 127.0.0.1:99"])
    table.put((found,), (command.with_pattern(found, "/a", 0, ONE),))
    (rule,) = one_of(table, "x").rules
    assert (rule.servers, rule.pool) == ((ONE,), f"x-{rule.number}")
    assert client.get("pools", "x")["servers"] == []


def test_all_of_a_service_goes_with_it(table: RemoteServices, client: MemoryClient) -> None:
    before = {one["name"] for one in client.get("pools")}
    made = command.with_server(TcpvsService("x"), TcpvsServer(ONE))
    table.put((), (command.with_pattern(made, "/a", 0, ONE),))
    table.put((one_of(table, "x"),), ())
    assert {one["name"] for one in client.get("pools")} == before
    assert all(one["service"] != "x" for one in client.get("rules"))


def test_a_service_of_the_file_leaves_its_pools(table: RemoteServices, client: MemoryClient) -> None:
    for rule in client.get("rules"):
        client.delete("rules", str(rule["number"]))
    www = one_of(table, "www")
    table.put((www,), ())
    assert {"web", "images"} <= {one["name"] for one in client.get("pools")}


def test_a_server_of_the_file_keeps_its_name_and_its_other_work(
    table: RemoteServices, client: MemoryClient
) -> None:
    www = one_of(table, "www")
    server = Address("127.0.0.1", 9001)
    table.put((www,), (command.with_pattern(www, "/new/", 0, server),))
    assert "a" in [one["name"] for one in client.get("pools", "web")["servers"]]
    changed = command.with_other_weight(one_of(table, "www"), TcpvsServer(server, 9))
    table.put((one_of(table, "www"),), (changed,))
    weights = [
        one["weight"]
        for pool in client.get("pools")
        for one in pool["servers"]
        if one["address"] == "127.0.0.1:9001"
    ]
    assert weights == [9, 9]


def test_errors_are_told_in_the_directors_words() -> None:
    assert kernel_error(Refused("no", "changes[0].scheduler", 400)).code == "ENOENT"
    assert kernel_error(Refused("no such scheduler: x", "pool x", 404)).code == "ENOENT"
    assert kernel_error(Refused("no", "", 403)).code == "EPERM"
    assert str(kernel_error(Refused("taken", "config", 409))) == "config: taken"
    with pytest.raises(Refused):
        kernel_error(Refused("nobody", code=3))
