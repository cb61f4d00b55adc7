from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from director.cli.client import NOT_REACHABLE, Refused
from director.cli.following import StreamEvent
from tests.unit.admin.test_proofs import FOUND
from tests.unit.cli.memory import MemoryClient, Run


@pytest.mark.parametrize(
    "thing",
    ["services", "pools", "servers", "rules", "checks", "events", "generations", "schedulers", "config"],
)
def test_show_prints_a_table_or_json(client: MemoryClient, run: Run, thing: str) -> None:
    code, out, err = run("show", thing)
    assert (code, err) == (0, "")
    assert out
    code, out, _ = run("show", thing, "--json")
    assert code == 0
    assert json.loads(out)


def test_servers_are_the_same_as_in_their_pools(client: MemoryClient, run: Run) -> None:
    servers, pools = (json.loads(run("show", thing, "--json")[1]) for thing in ("servers", "pools"))
    assert servers == [server for pool in pools for server in pool["servers"]]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("web",), {"web/a", "web/b", "web/s"}),
        (("web/a",), {"web/a"}),
        (("WEB", "drain"), {"web/b"}),
        (("refused",), {"images/i"}),
        (("nothing like it",), set()),
    ],
)
def test_rows_can_be_filtered(
    client: MemoryClient, run: Run, words: tuple[str, ...], names: set[str]
) -> None:
    found = json.loads(run("show", "servers", *words, "--json")[1])
    assert {f"{one['pool']}/{one['name']}" for one in found} == names
    table = run("show", "servers", *words)[1]
    assert all(name in table for name in names)
    assert names or table == "No servers.\n"


def test_a_pipe_has_full_width(client: MemoryClient, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = SimpleNamespace(columns=40)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: narrow)
    piped = run("show", "rules")[1]
    assert len(piped.splitlines()) == 3
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert len(run("show", "rules")[1].splitlines()) > 3
    assert run("show", "rules", "--wide")[1] == piped


def test_checks_of_one_server_tell_all(client: MemoryClient, run: Run) -> None:
    client.admin.control.proven = FOUND
    code, out, _ = run("show", "checks", "web/a")
    assert code == 0
    assert "up -> down after 1m: status 503 (3 of 3)" in out
    assert json.loads(run("show", "checks", "web/a", "--json")[1])["traffic"]["spared"] == 4
    assert run("show", "checks", "web/nobody")[0] == 1


def test_lvs_is_the_list_of_both_layers(client: MemoryClient, run: Run) -> None:
    code, out, _ = run("show", "lvs")
    assert (code, out.splitlines()[0]) == (0, "IP Virtual Server version 1.2.1 (size=4096)")
    assert {
        "UDP  192.0.2.53:53 rr",
        "  -> 127.0.0.1:53                 Masq    1      0          0         ",
    } <= {*out.splitlines()}
    assert "HTTP 127.0.0.1:8080" in out
    rows = json.loads(run("show", "lvs", "l7:www", "--json")[1])
    assert {one["service"] for one in rows} == {"l7:www"}
    assert "listed" not in rows[0]


def test_files_of_proc(client: MemoryClient, run: Run) -> None:
    assert run("show", "lvs", "--proc", "ip_vs")[1] == client.text("lvs", "ip_vs")
    assert run("show", "lvs", "--proc", "ip_vs_stats")[1].startswith("   Total Incoming Outgoing ")
    assert run("show", "lvs", "--proc", "ip_vs_conn")[1].startswith("Pro FromIP   FPrt ")
    assert run("show", "pools", "--proc", "ip_vs")[0] == 2


def test_watched_events_are_lines_oldest_first_then_those_that_come(
    client: MemoryClient, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = json.loads(run("show", "events", "--json")[1])
    text = "web/a \x1b[2J gone"
    came = [
        StreamEvent(91, "gap", {"oldest": 91}),
        StreamEvent(91, "message", {"id": 91, "time": "T", "level": "warning", "text": text}),
        StreamEvent(92, "message", {"id": 92, "time": "T", "level": "info", "text": "other"}),
    ]
    asked = []

    def follow(_client: object, after: int, _warn: object) -> Iterator[StreamEvent]:
        asked.append(after)
        return iter(came)

    monkeypatch.setattr("director.cli.commands.show.follow", follow)
    code, out, err = run("show", "events", "--watch")
    assert (code, asked) == (0, [listed[0]["id"]])
    assert err == "director: what happened before event 91 is not kept any more\n"
    lines = out.splitlines()
    assert len(lines) == len(listed) + 2
    assert all(one["text"] in line for one, line in zip(reversed(listed), lines, strict=False))
    assert lines[-2:] == ["T  warning   web/a \\x1b[2J gone", "T  info      other"]
    filtered = run("show", "events", "web/a", "--watch", "--json")[1].splitlines()
    assert [json.loads(line)["id"] for line in filtered][-1] == 91


def test_what_is_watched_is_shown_again_also_after_a_restart(
    client: MemoryClient, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter(("there", "gone", "gone", "there", "no"))
    real = MemoryClient.get

    def get(asked: MemoryClient, *segments: str, query: str = "") -> object:
        look = next(looks)
        if look == "gone":
            raise Refused("no director is running there", code=NOT_REACHABLE)
        if look == "no":
            raise Refused("not for you", status=403)
        return real(asked, *segments, query=query)

    monkeypatch.setattr(MemoryClient, "get", get)
    monkeypatch.setattr("director.cli.commands.show.time.sleep", lambda _seconds: None)
    once = len(out.splitlines()) if (out := run("show", "schedulers")[1]) else 0
    looks = iter(("there", "gone", "gone", "there", "no"))
    code, out, err = run("show", "schedulers", "--watch")
    assert (code, len(out.splitlines())) == (1, 2 * once)
    assert err.splitlines() == [
        "director: the director is gone; waiting for it to come back", "director: not for you"
    ]  # fmt: skip


def test_who_is_not_there_to_begin_with_is_not_waited_for(
    client: MemoryClient, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get(*_segments: object, **_query: object) -> object:
        raise Refused("no director is running there", code=NOT_REACHABLE)

    monkeypatch.setattr(MemoryClient, "get", get)
    assert run("show", "rules", "--watch")[0] == NOT_REACHABLE
