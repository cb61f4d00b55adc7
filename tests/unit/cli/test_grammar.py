from __future__ import annotations

import pytest

from director.cli import grammar
from director.cli.commands.table import COMMANDS
from director.model.pools import Forward


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


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ("lab run --json nat dr", "methods", [Forward.NAT, Forward.DR]),
        ("why GET --client 192.0.2.1 http://a.example/", "url", "http://a.example/"),
        ("undo --json 3", "generation", 3),
        ("drain web/a --json web/b", "servers", ["web/a", "web/b"]),
        ("show connections --json client=192.0.2.1", "filter", ["client=192.0.2.1"]),
    ],
)
def test_an_option_may_stand_before_what_may_be_left_out(words: str, name: str, value: object) -> None:
    assert getattr(grammar.parser(COMMANDS).parse_args(words.split()), name) == value


def test_what_is_too_much_or_missing_is_still_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in (("weight web/a", "required: N"), ("undo --json 3 4", "unrecognized arguments: 4")):
        with pytest.raises(SystemExit) as ended:
            grammar.parser(COMMANDS).parse_args(words.split())
        assert ended.value.code == 2
        assert said in capsys.readouterr().err
