from __future__ import annotations

from tests.unit.cli.memory import MemoryClient, Run


def test_links_and_tokens(client: MemoryClient, run: Run) -> None:
    code, out, _ = run("token", "link")
    assert (code, out.startswith("http://127.0.0.1:8404/login?token=")) == (0, True)
    assert client.admin.ask("GET", out.strip().partition(":8404")[2]).status == 303
    assert run("token", "rotate") == (
        0,
        "another token is in var/admin.token now; everybody signs in anew\n",
        "",
    )
