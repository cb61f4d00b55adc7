from __future__ import annotations

import pytest

from director.cli import grammar
from director.cli.commands.table import COMMANDS


@pytest.mark.parametrize("option", ["--socket", "-c"])
def test_options_may_stand_before_or_after(option: str) -> None:
    for words in ((option, "x", "show", "pools"), ("show", "pools", option, "x")):
        found = grammar.parser(COMMANDS).parse_args(words)
        assert {"--socket": found.socket, "-c": found.config}[option] == "x"
    places: list[tuple[str, ...]] = [
        ("--json", "show", "pools"),
        ("show", "--json", "pools"),
        ("show", "pools", "--json"),
    ]
    assert all(grammar.parser(COMMANDS).parse_args(words).json for words in places)
    assert grammar.parser(COMMANDS).parse_args(["show", "pools"]).json is False
