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


def test_a_token_of_a_user_is_printed_once_listed_and_revoked(client: MemoryClient, run: Run) -> None:
    code, text, _ = run("token", "create", "ops", "--role", "viewer", "--expires", "30d", "--note", "CI")
    assert code == 0
    bearer = {"Authorization": f"Bearer {text.strip()}"}
    assert client.admin.ask("GET", "/api/v1/pools", bearer).status == 200
    code, table, _ = run("token", "list")
    heads, row = table.splitlines()
    assert heads.split()[:4] == ["ID", "USER", "ROLE", "EXPIRES"]
    assert row.split()[1:3] == ["ops", "viewer"]
    assert text.strip() not in table
    identifier = row.split()[0]
    assert run("token", "revoke", identifier) == (0, f"token {identifier} is revoked\n", "")
    assert client.admin.ask("GET", "/api/v1/pools", bearer).status == 401
    assert run("token", "list")[1].startswith("No API tokens")
    assert run("token", "revoke", identifier)[0] == 1


def test_a_token_for_nobody_is_refused_with_the_names_there_are(client: MemoryClient, run: Run) -> None:
    code, out, err = run("token", "create", "opz")
    assert (code, out) == (1, "")
    assert "eve, ops, root" in err


def test_who_is_signed_in_can_be_seen(client: MemoryClient, run: Run) -> None:
    assert run("show", "sessions")[1] == "Nobody is signed in.\n"
    client.admin.sign_in_as("ops", "weigh")
    assert run("show", "sessions")[1].splitlines()[1].split()[1:4] == ["ops", "operator", "127.0.0.1"]
