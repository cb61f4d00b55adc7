from __future__ import annotations

import os
from pathlib import Path

import pytest

from director.admin.service import AdminService
from director.model.settings import Configuration
from director.program.banner import in_sight, own_command, ready, to_look, to_try, trials
from director.program.configuration import read


def test_commands_to_try_come_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "director.ini"
    path.write_text(
        "[director]\nstate_dir = var\n[l7:www]\nlisten = :8080\npool = web\n"
        "[pool:web]\nserver.a = 127.0.0.1:1\n"
        "[test:x]\nrequest = GET http://img.example.org/a\nexpect = pool web\n"
    )
    assert trials(read(str(path)).require()) == [
        "curl http://127.0.0.1:8080/",
        "curl -H 'Host: img.example.org' http://127.0.0.1:8080/a",
    ]


def test_the_command_to_ask_with_is_one_that_can_be_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = tmp_path / "director"
    command.touch(mode=0o755)
    monkeypatch.setattr("sys.argv", [str(tmp_path / "twistd")])
    monkeypatch.setenv("PATH", "/nowhere")
    assert own_command() == str(command)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert own_command() == "director"


def test_the_first_line_says_where_it_serves() -> None:
    assert ready("edge", ["www=:80", "l4:dns=udp 192.0.2.53:53"]) == (
        "edge is ready: www=:80, l4:dns=udp 192.0.2.53:53"
    )
    assert ready("edge", []) == "edge is ready: no listeners"
    assert list(to_try(Configuration())) == []
    assert ready("edge", [f"l4:{number}=:80" for number in range(25)]).endswith("l4:19=:80 and 5 more")


def test_the_journal_is_not_in_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    assert in_sight("-")
    assert not in_sight("/var/log/director.log")
    output = os.fstat(1)
    monkeypatch.setenv("JOURNAL_STREAM", f"{output.st_dev}:{output.st_ino}")
    assert not in_sight("-")
    monkeypatch.setenv("JOURNAL_STREAM", f"{output.st_dev}:{output.st_ino + 1}")
    assert in_sight("-"), "a child of a unit whose output goes elsewhere"


class Admin(AdminService):
    """An admin of which only the ways in are known."""

    def __init__(self, page: str, socket: str) -> None:
        self._known = page, socket

    @property
    def page(self) -> str:
        return self._known[0]

    @property
    def link(self) -> str:
        return f"{self.page}/login?token=secret"

    @property
    def control_socket(self) -> str:
        return self._known[1]


@pytest.mark.parametrize("in_sight", [True, False])
def test_a_log_that_nobody_has_in_sight_holds_no_token(*, in_sight: bool) -> None:
    lines = list(to_look(Admin("http://127.0.0.1:8404", ""), Path("var"), in_sight=in_sight))
    assert lines == [
        "admin  http://127.0.0.1:8404/login?token=secret"
        if in_sight
        else "admin  http://127.0.0.1:8404/login with the token in var/admin.token"
    ]
    assert list(to_look(Admin("", ""), Path("var"), in_sight=in_sight)) == []
