from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from director.cli import director, locating
from director.cli.client import Refused
from tests.unit.cli.memory import MemoryClient, Run


def test_what_is_done_but_not_kept_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made = SimpleNamespace(
        patch=lambda *_, **__: {"generation": 2, "diff": ["x"], "kept": False},
        get=lambda *_: {"eligible": True},
        post=lambda *_, **__: {"generation": 3, "diff": [], "kept": False},
    )
    monkeypatch.setattr(locating, "connected", lambda *_: made)
    code, out, err = run("drain", "web/a")
    assert (code, out) == (4, "x\ngeneration 2 runs\n")
    assert "not kept" in err
    assert run("reload")[0] == 4


def test_nobody_to_ask_is_3(run: Run, tmp_path: Path) -> None:
    assert run("show", "pools", "--socket", str(tmp_path / "none.sock"))[0] == 3
    assert run("show", "pools", "-c", str(tmp_path / "none.ini"))[0] == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("drain", "web/none"), "web/none: No such server in the pool"),
        (("drain", "web"), "'web' is not POOL/SERVER, such as web/a; `director show servers` lists them"),
        (("weight", "web/a", "3000000000"), "weight: weight must be a whole number from 0 to 2147483647"),
        (("why", "nope"), "nope: No such request is remembered; only the last ones are kept"),
        (("why", "GET"), "give a URL too: director why GET http://HOST/PATH"),
        (("why", "GET", "http://a/", "-H", "nonsense"), "'nonsense' is not a header; write -H 'Name: value'"),
    ],
)
def test_refusals_say_what_to_do(client: MemoryClient, run: Run, words: tuple[str, ...], said: str) -> None:
    usage = "is not" in said or said.startswith("give")
    assert run(*words) == (2 if usage else 1, "", f"director: {said}\n")
    code, out, _ = run(*words, "--json")
    assert code == (2 if usage else 1)
    assert "error" in json.loads(out)


def test_text_of_the_director_cannot_steer_the_terminal(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    def refused(*_: object) -> None:
        raise Refused("bad \x1b[2J", "\x1b]0;x")

    monkeypatch.setattr(locating, "connected", refused)
    assert "\x1b" not in run("show", "pools")[2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("frobnicate",), "there is no command 'frobnicate'; known: check, show"),
        (("shwo", "pools"), "there is no command 'shwo'; did you mean show?"),
        (("show", "server"), "there is no thing 'server'; did you mean servers?"),
        (("drain", "web/a", "--wait", "soon"), "'soon' is not a duration; write 30s or 1m30s"),
        (("weight", "web/a", "much"), "'much' is not a whole number, such as 2"),
        (("lab", "run", "nta"), "'nta' is none of: nat, dr, tun, local"),
        (("token", "rotat"), "did you mean rotate?"),
    ],
)
def test_a_wrong_grammar_is_told_in_own_words(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        director.main(words)
    assert caught.value.code == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert "invalid" not in shown
    assert "--help" in shown


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        director.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("director 0.")
