from __future__ import annotations

import json

from director.registry.ledger import claim
from tests.unit.cli.memory import MemoryClient, Run


def test_orders_and_weights(client: MemoryClient, run: Run) -> None:
    assert run("drain", "web/a") == (0, "server web/a ordered to drain\ngeneration 3 runs\n", "")
    assert run("weight", "web/a", "5")[1] == "server web/a now weight=5 max=200 min=0\ngeneration 4 runs\n"
    assert run("ready", "web/a")[0] == 0
    assert run("maint", "web/a", "--dry-run")[1] == "would do: server web/a ordered to maint\n"
    server = client.admin.control.registry.pools["web"].servers[0]
    assert (server.weight, server.state.value) == (5, "ready")


def test_an_order_for_several_servers(client: MemoryClient, run: Run) -> None:
    """All of them are one generation, so that one undo takes it back."""
    assert run("drain", "web/a", "web/s") == (
        0, "server web/a ordered to drain\nserver web/s ordered to drain\ngeneration 3 runs\n", ""
    )  # fmt: skip
    assert len(json.loads(run("weight", "web/a", "web/s", "3", "--json")[1])["diff"]) == 2
    assert run("ready", "web/a", "web/s", "--dry-run")[1].count("would do: ") == 2
    generation = client.admin.control.registry.generation
    code, _, err = run("maint", "web/a", "web/none")
    assert (code, err) == (1, "director: web/none: No such server in pool web: none\n")
    assert client.admin.control.registry.generation == generation, "all or none"
    assert run("maint", "web/a", "web")[0] == 2


def test_a_server_that_stays_idle_has_a_hint(client: MemoryClient, run: Run) -> None:
    """Ready is not enough for a server of weight 0, nor a weight for one in maintenance."""
    assert run("weight", "web/a", "0")[2] == ""
    run("drain", "web/a")
    assert run("ready", "web/a")[2] == (
        "director: web/a has weight 0 and takes nothing new; give it one: director weight web/a 1\n"
    )
    run("maint", "web/a")
    assert "director ready web/a" in run("weight", "web/a", "2")[2]
    assert run("ready", "web/a")[2] == ""
    assert "while it is down" in run("ready", "images/i")[2]


def test_drain_can_wait_until_the_server_is_empty(client: MemoryClient, run: Run) -> None:
    assert run("drain", "web/s", "--wait", "0")[1].endswith("web/s is empty\n")
    lease = claim(client.admin.control.registry.pools["web"].servers[2])
    code, _, err = run("drain", "web/s", "--wait", "0")
    assert (code, err) == (1, "director: web/s: 1 still on it after 0 s; it goes on draining\n")
    lease.release()
