from __future__ import annotations

import pytest

from tests.unit.cli.memory import MemoryClient, Run


def test_why_a_request_went_where_it_went(client: MemoryClient, run: Run) -> None:
    assert "wlc chose a: load 3, weight 2" in run("why", "g1")[1]


def test_why_a_request_would_go(client: MemoryClient, run: Run) -> None:
    code, out, _ = run("why", "get", "http://img/x", "-H", "Cookie: a=b", "--client", "192.0.2.9")
    assert code == 0
    assert "rule 100 images matched" in out
    (asked,) = client.admin.control.asked
    assert (asked.method, asked.headers, asked.client) == ("GET", (("Cookie", "a=b"),), "192.0.2.9")


@pytest.mark.parametrize(
    "words",
    [
        ("http://img/x", "--down", "web/a", "web/b"),
        ("http://img/x", "--down", "web/a", "--down", "web/b"),
        ("--down", "web/a,web/b", "http://img/x"),
    ],
)
def test_why_a_request_would_go_while_servers_are_down(
    client: MemoryClient, run: Run, words: tuple[str, ...]
) -> None:
    assert run("why", "GET", *words)[0] == 0
    (asked,) = client.admin.control.asked
    assert (asked.url, asked.down) == ("http://img/x", ("web/a", "web/b"))
