from __future__ import annotations

import json

from tests.unit.cli.memory import MemoryClient, Run


def test_reload_and_its_rehearsal(client: MemoryClient, run: Run) -> None:
    assert run("reload")[0] == 0
    assert run("reload", "--dry-run") == (0, "nothing would change\n", "")


def test_a_reload_may_wait_for_its_confirmation(client: MemoryClient, run: Run) -> None:
    code, out, _ = run("reload", "--confirm", "60s", "--guard", "5xx > 5%")
    assert code == 0
    assert "it is undone in 60s unless you confirm it: director confirm" in out
    assert "5xx > 5%" in out
    number = client.get("config", "confirm")["waiting"]["generation"]
    assert run("confirm") == (0, f"generation {number} is confirmed\n", "")
    assert run("confirm")[0] == 1
    assert run("reload", "--confirm", "60")[0] == 1
    assert run("reload", "--dry-run", "--confirm", "60s") == (0, "nothing would change\n", "")


def test_an_upgrade_names_who_goes_on(client: MemoryClient, run: Run) -> None:
    text = "process 4711, version 1.2, serves; the one before ends within shutdown_grace\n"
    assert run("upgrade") == (0, text, "")
    assert run("upgrade", "--dry-run") == (0, "would do: a new program takes this one's place\n", "")
    assert json.loads(run("upgrade", "--json")[1]) == {"pid": 4711, "version": "1.2"}
