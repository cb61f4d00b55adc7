from __future__ import annotations

from tests.unit.cli.memory import MemoryClient, Run


def test_things_are_added_removed_and_undone(client: MemoryClient, run: Run) -> None:
    assert run("add", "server", "web/c", "address=10.0.0.13:80", "weight=2")[1].startswith(
        "server web/c added at 10.0.0.13:80\n"
    )
    assert run("add", "pool", "new", "scheduler=rr", "--dry-run")[1] == (
        "would do: pool new added with 0 server(s)\n"
    )
    assert run("add", "pool", "new", "scheduler=rr")[0] == 0
    assert run("add", "service", "l7:shop", "listen=127.0.0.1:81", "pool=new")[0] == 0
    assert run("add", "rule", "50 shop", "service=shop", "respond=404")[0] == 0
    assert run("remove", "pool", "new")[0] == 1
    for kind, name in (("rule", "50"), ("service", "l7:shop"), ("pool", "new"), ("server", "web/c")):
        assert run("remove", kind, name)[:2] == (0, f"{name} removed\n")
    assert run("undo")[0] == 0
    found = client.admin.control.snapshot().server("web", "c")
    assert found is not None
    assert found.weight == 2
    assert run("add", "pool", "x", "nonsense")[0] == 2
    assert run("remove", "server", "web")[0] == 2
