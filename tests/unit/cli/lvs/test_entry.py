from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from director.cli.client import ApiClient, Refused
from director.cli.invocation import UNKEPT
from director.cli.lvs.entry import NO_SERVICE, UNKEPT_TEXT, enter


class Table:
    """Nobody asks it."""

    def __init__(self, client: Callable[[], ApiClient]) -> None:
        self.unkept = False


def test_the_command_gets_its_words_and_its_name() -> None:
    seen: list[tuple[Sequence[str], str]] = []

    def carry_out(words: Sequence[str], table: Table, program: str) -> int:
        seen.append((words, program))
        return 7

    assert enter(["/sbin/ipvsadm", "-L", "-n"], None, Table, carry_out, "ipvs") == 7
    assert seen == [(["-L", "-n"], "ipvsadm")]


@pytest.mark.parametrize(("status", "wanted"), [(0, UNKEPT), (1, 1)])
def test_what_was_not_kept_is_said_and_is_no_success(
    status: int, wanted: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def carry_out(words: Sequence[str], table: Table, program: str) -> int:
        table.unkept = True
        return status

    assert enter(["ipvsadm", "-C"], None, Table, carry_out, "ipvs") == wanted
    assert capsys.readouterr().err == UNKEPT_TEXT


def test_without_a_director_it_ends_as_without_the_kernels_module(capsys: pytest.CaptureFixture[str]) -> None:
    def carry_out(words: Sequence[str], table: Table, program: str) -> int:
        raise Refused("nobody answers")

    assert enter(["tcpvsadm", "-l"], None, Table, carry_out, "tcpvs") == NO_SERVICE == 2
    assert capsys.readouterr().err == "Can't initialize tcpvs: nobody answers\n"
