from __future__ import annotations

from tests.unit.cli.memory import MemoryClient, Run


def test_reload_and_its_rehearsal(client: MemoryClient, run: Run) -> None:
    assert run("reload")[0] == 0
    assert run("reload", "--dry-run") == (0, "nothing would change\n", "")
