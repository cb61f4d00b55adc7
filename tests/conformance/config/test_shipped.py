"""What is shipped in etc/ is clean, and does what its first lines say."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from director.config.io.load import load
from director.model.settings import Configuration
from director.plugins import catalog
from director.registry.changes import plan
from director.registry.registry import Registry
from director.registry.selection import select
from tests.support.registries import Key


class Tenants(Key):
    """Requests of one tenant; of none when the name is empty."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant

    def header(self, name: str) -> str | None:
        return self._tenant if name == "x-tenant" and self._tenant else None


ETC = Path(__file__).parents[3] / "etc"
SHIPPED = [path.relative_to(ETC).as_posix() for path in sorted(ETC.rglob("*.ini"))]
PLAIN = [
    "director.ini",
    *(f"examples/{name}.ini" for name in ("custom-scheduler", "fault", "sticky", "websocket")),
]


@pytest.mark.parametrize("name", SHIPPED)
def test_it_has_no_problem(name: str) -> None:
    loaded = load(str(ETC / name), environ={})
    assert [str(problem) for problem in loaded.problems] == []
    assert loaded.configuration is not None


@pytest.mark.parametrize("name", PLAIN)
def test_it_says_what_to_try(name: str) -> None:
    first, *_rest = (ETC / name).read_text(encoding="utf-8").splitlines()
    assert first.startswith("# ")
    assert "curl " in first or name == "director.ini"


@pytest.mark.parametrize("name", PLAIN)
def test_it_runs_without_rights_and_on_loopback_alone(name: str) -> None:
    configuration = load(str(ETC / name), environ={}).configuration
    assert configuration is not None
    assert configuration.admin is not None
    listeners = [address for service in configuration.l7 for address in service.listen]
    listeners += [demo.listen for demo in configuration.demos] + [configuration.admin.listen]
    assert {address.host for address in listeners} == {"127.0.0.1"}
    assert min(address.port for address in listeners) >= 1024


@pytest.mark.parametrize("name", PLAIN)
def test_each_server_is_a_demo_server(name: str) -> None:
    configuration = load(str(ETC / name), environ={}).configuration
    assert configuration is not None
    demos = {str(demo.listen) for demo in configuration.demos}
    servers = {str(server.address) for pool in configuration.pools for server in pool.servers}
    steps = {str(step.address) for service in configuration.l7 for step in service.fault if step.address}
    assert (servers | steps) - demos == ({"127.0.0.1:9999"} if name == "examples/fault.ini" else set())


@pytest.mark.parametrize("name", PLAIN)
def test_its_schedulers_can_be_made(name: str) -> None:
    configuration = load(str(ETC / name), environ={}).configuration
    assert configuration is not None
    made = catalog(configuration.schedulers)
    for pool in configuration.pools:
        assert made.make(pool.scheduler, Random(1)) is not None


def test_the_scheduler_to_learn_from_keeps_a_tenant_at_home() -> None:
    configuration = load(str(ETC / "examples" / "custom-scheduler.ini"), environ={}).configuration
    assert configuration is not None
    registry = Registry(lambda spec: catalog(configuration.schedulers).make(spec, Random(1)))
    registry.apply(plan(Configuration(), configuration), "test", 0.0, 0.0)
    homes = {}
    for tenant in ("", *(f"tenant {number}" for number in range(20))):
        leases = [select(registry, registry.pools["web"], "l7:www", Tenants(tenant), 0.0) for _ in range(3)]
        homes[tenant] = {lease.server.name for lease in leases if lease is not None}
    assert homes.pop("") == {"red", "green", "blue"}
    assert {len(servers) for servers in homes.values()} == {1}
    assert set.union(*homes.values()) == {"red", "green", "blue"}
