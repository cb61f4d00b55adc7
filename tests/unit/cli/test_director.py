from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from director.cli import configuration, director, grammar, output
from director.cli.client import Refused
from director.errors import DirectorError
from director.model.pools import Forward
from director.registry.ledger import claim
from tests.support.running import free_port
from tests.unit.admin import sample
from tests.unit.cli.memory import MemoryClient

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> MemoryClient:
    made = MemoryClient()
    sample.fill(made.admin.control)
    sample.trouble(made.admin.control)
    monkeypatch.setattr(director, "connected", lambda _: made)
    return made


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str, str]:
        code = director.main(words)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return call


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


def test_orders_and_weights(client: MemoryClient, run: Run) -> None:
    assert run("drain", "web/a") == (0, "server web/a ordered to drain\ngeneration 3 runs\n", "")
    assert run("weight", "web/a", "5")[1] == "server web/a now weight=5 max=200 min=0\ngeneration 4 runs\n"
    assert run("ready", "web/a")[0] == 0
    assert run("maint", "web/a", "--dry-run")[1] == "would do: server web/a ordered to maint\n"
    server = client.admin.control.registry.pools["web"].servers[0]
    assert (server.weight, server.state.value) == (5, "ready")


def test_an_order_for_several_servers(client: MemoryClient, run: Run) -> None:
    code, out, _ = run("drain", "web/a", "web/s")
    assert (code, out.count("ordered to drain")) == (0, 2)
    assert len(json.loads(run("weight", "web/a", "web/s", "3", "--json")[1])) == 2
    generation = client.admin.control.registry.generation
    assert run("maint", "web/a", "web/none")[0] == 1
    assert client.admin.control.registry.generation == generation, "all or none"
    assert run("maint", "web/a", "web")[0] == 2


def test_a_server_that_stays_idle_has_a_hint(client: MemoryClient, run: Run) -> None:
    """Ready is not enough for a server of weight 0, nor a weight for one in maintenance."""
    assert run("weight", "web/a", "0")[2] == ""
    run("drain", "web/a")
    assert run("ready", "web/a")[2] == (
        "director: web/a has weight 0 and takes nothing new; give it one: director weight web/a 1\n"
    )
    run("maint", "web/a")
    assert "director ready web/a" in run("weight", "web/a", "2")[2]
    assert run("ready", "web/a")[2] == ""
    assert "while it is down" in run("ready", "images/i")[2]


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


def test_links_and_tokens(client: MemoryClient, run: Run) -> None:
    code, out, _ = run("token", "link")
    assert (code, out.startswith("http://127.0.0.1:8404/login?token=")) == (0, True)
    assert client.admin.ask("GET", out.strip().partition(":8404")[2]).status == 303
    assert run("token", "rotate") == (
        0,
        "another token is in var/admin.token now; everybody signs in anew\n",
        "",
    )


def test_what_is_done_but_not_kept_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made = SimpleNamespace(
        patch=lambda *_, **__: {"generation": 2, "diff": ["x"], "kept": False},
        get=lambda *_: {"eligible": True},
        post=lambda *_, **__: {"generation": 3, "diff": [], "kept": False},
    )
    monkeypatch.setattr(director, "connected", lambda _: made)
    code, out, err = run("drain", "web/a")
    assert (code, out) == (4, "x\ngeneration 2 runs\n")
    assert "not kept" in err
    assert run("reload")[0] == 4


def test_things_are_added_removed_and_undone(client: MemoryClient, run: Run) -> None:
    assert run("add", "server", "web/c", "address=10.0.0.13:80", "weight=2")[1].startswith(
        "server web/c added at 10.0.0.13:80\n"
    )
    assert run("add", "pool", "new", "scheduler=rr", "--dry-run")[1] == (
        "would do: pool new added with 0 server(s)\n"
    )
    assert run("add", "pool", "new", "scheduler=rr")[0] == 0
    assert run("add", "service", "l7:shop", "listen=127.0.0.1:81", "pool=new")[0] == 0
    assert run("add", "rule", "50 shop", "service=shop", "respond=404")[0] == 0
    assert run("remove", "pool", "new")[0] == 1
    for kind, name in (("rule", "50"), ("service", "l7:shop"), ("pool", "new"), ("server", "web/c")):
        assert run("remove", kind, name)[:2] == (0, f"{name} removed\n")
    assert run("undo")[0] == 0
    found = client.admin.control.snapshot().server("web", "c")
    assert found is not None
    assert found.weight == 2
    assert run("add", "pool", "x", "nonsense")[0] == 2
    assert run("remove", "server", "web")[0] == 2


def test_nobody_to_ask_is_3(run: Run, tmp_path: Path) -> None:
    assert run("show", "pools", "--socket", str(tmp_path / "none.sock"))[0] == 3
    assert run("show", "pools", "-c", str(tmp_path / "none.ini"))[0] == 3


@pytest.mark.parametrize("option", ["--socket", "-c"])
def test_options_may_stand_before_or_after(option: str) -> None:
    for words in ((option, "x", "show", "pools"), ("show", "pools", option, "x")):
        found = director.parser().parse_args(words)
        assert {"--socket": found.socket, "-c": found.config}[option] == "x"
    places: list[tuple[str, ...]] = [
        ("--json", "show", "pools"),
        ("show", "--json", "pools"),
        ("show", "pools", "--json"),
    ]
    assert all(director.parser().parse_args(words).json for words in places)
    assert director.parser().parse_args(["show", "pools"]).json is False


def test_drain_can_wait_until_the_server_is_empty(client: MemoryClient, run: Run) -> None:
    assert run("drain", "web/s", "--wait", "0")[1].endswith("web/s is empty\n")
    lease = claim(client.admin.control.registry.pools["web"].servers[2])
    code, _, err = run("drain", "web/s", "--wait", "0")
    assert (code, err) == (1, "director: web/s: 1 still on it after 0 s; it goes on draining\n")
    lease.release()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("drain", "web/none"), "web/none: No such server in the pool"),
        (("drain", "web"), "'web' is not POOL/SERVER, such as web/a; `director show servers` lists them"),
        (("weight", "web/a", "3000000000"), "weight: weight must be a whole number from 0 to 2147483647"),
        (("why", "nope"), "nope: No such request is remembered; only the last ones are kept"),
        (("why", "GET"), "give a URL too: director why GET http://HOST/PATH"),
        (("why", "GET", "http://a/", "-H", "nonsense"), "'nonsense' is not a header; write -H 'Name: value'"),
        (("drill", "run", "x"), "fault drills are not in this version"),
    ],
)
def test_refusals_say_what_to_do(client: MemoryClient, run: Run, words: tuple[str, ...], said: str) -> None:
    usage = "is not" in said or said.startswith("give")
    assert run(*words) == (2 if usage else 1, "", f"director: {said}\n")
    code, out, _ = run(*words, "--json")
    assert code == (2 if usage else 1)
    assert "error" in json.loads(out)


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


def test_reload_and_its_rehearsal(client: MemoryClient, run: Run) -> None:
    assert run("reload")[0] == 0
    assert run("reload", "--dry-run") == (0, "nothing would change\n", "")


def test_config_export_prints_the_merged_file(client: MemoryClient, run: Run) -> None:
    assert run("config", "export") == (0, "[director]\nname = edge-1\n", "")


def test_config_import_needs_no_director(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "rules"
    file.write_text("-A -t 192.0.2.1:80 -s rr\n")
    code, out, _ = run("config", "import", "ipvsadm", str(file))
    assert code == 0
    assert out.split("\n") == [
        "[pool:tcp-192.0.2.1-80]", "", "[l4:tcp-192.0.2.1-80]", "virtual = tcp 192.0.2.1:80",
        "pool = tcp-192.0.2.1-80", "scheduler = rr", "", "",
    ]  # fmt: skip
    assert run("config", "import", "ipvsadm")[0] == 2


GOOD = (
    "[director]\nstate_dir = var\n[pool:web]\nserver.a = 127.0.0.1:9001\n[l7:www]\nlisten = :80\npool = web\n"
)


def test_check_exits_as_documented(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.ini"
    path.write_text(GOOD)
    assert run("check", str(path), "--offline") == (0, "no errors, no warnings\n", "")
    assert run("check", str(path), "--offline", "--strict")[0] == 0
    path.write_text(GOOD.replace("9001", str(free_port())))
    code, out, _ = run("check", str(path))
    assert (code, out.count("the server takes no connection now: connection refused")) == (0, 1)
    assert run("check", str(path), "--strict")[0] == 1
    path.write_text(GOOD.replace("pool = web", "pool = wbe"))
    code, out, _ = run("check", str(path))
    assert code == 2
    assert f"{path}:7:8: error: [l7:www] pool = wbe: " in out
    code, out, _ = run("check", str(path), "--json")
    assert code == 2
    assert json.loads(out)[-1]["line"] == 7


def test_check_of_a_file_that_is_not_there(run: Run, tmp_path: Path) -> None:
    assert run("check", str(tmp_path / "none.ini"))[0] == 2


def test_lab_runs_the_methods_named(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    asked: list[Any] = []

    def lab_run(methods: Any, said: Callable[[str], None]) -> list[Any]:
        asked.append([one.value for one in methods])
        said("a line")
        return [SimpleNamespace(method=methods[0], transfer="ok", failed="no ip")]

    def lab_down(said: Callable[[str], None]) -> None:
        raise DirectorError("needs root")

    def lab_up(method: Any, said: Callable[[str], None]) -> None:
        said(f"{method.value} stands")

    found = SimpleNamespace(lab_run=lab_run, lab_up=lab_up, lab_down=lab_down, METHODS=tuple(Forward))
    monkeypatch.setattr("importlib.import_module", lambda _: found)
    assert run("lab", "run", "dr") == (1, "a line\n", "")
    code, out, _ = run("lab", "run", "--json")
    assert (code, json.loads(out)) == (1, [{"method": "nat", "transfer": "ok", "failed": "no ip"}])
    assert asked == [["dr"], ["nat", "dr", "tun", "local"]]
    assert run("lab", "up", "tun") == (0, "tun stands\n", "")
    assert json.loads(run("lab", "up", "--json")[1]) == {"said": ["nat stands"]}
    assert run("lab", "down") == (1, "", "director: needs root\n")


def test_the_socket_is_found_by_option_then_environment_then_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def path(*words: str) -> str:
        found = director.connected(director.parser().parse_args(["show", "pools", *words]))
        return str(found._path)

    monkeypatch.setattr(configuration, "state_dir", lambda file: Path("/state") / file.stem)
    monkeypatch.delenv("DIRECTOR_SOCKET", raising=False)
    monkeypatch.setattr(grammar, "DEFAULT_FILES", (str(tmp_path / "here.ini"), str(tmp_path / "host.ini")))
    assert path() == "/state/here/control.sock"
    (tmp_path / "host.ini").touch()
    assert path() == "/state/host/control.sock"
    (tmp_path / "here.ini").touch()
    assert path() == "/state/here/control.sock"
    assert path("-c", "a/edge.ini") == "/state/edge/control.sock"
    monkeypatch.setenv("DIRECTOR_SOCKET", "/env.sock")
    assert path() == "/env.sock"
    assert path("-c", "a/edge.ini") == "/state/edge/control.sock"
    assert path("--socket", "/named.sock", "-c", "a/edge.ini") == "/named.sock"


def test_text_of_the_director_cannot_steer_the_terminal(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    def refused(_: object) -> None:
        raise Refused("bad \x1b[2J", "\x1b]0;x")

    monkeypatch.setattr(director, "connected", refused)
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


@pytest.mark.parametrize("shell", grammar.SHELLS)
def test_completion_knows_every_command(run: Run, shell: str) -> None:
    code, out, _ = run("completion", shell)
    assert code == 0
    assert all(name in out for name in (*director.COMMANDS, *grammar.THINGS))
    if shell != "fish":
        assert subprocess.run(["bash", "-n"], input=out.encode(), check=True).returncode == 0


def test_bash_completes_what_was_begun() -> None:
    words = {"check": (), "show": ("pools", "servers")}
    script = output.completion("bash", words) + (
        "COMP_WORDS=(director show s); COMP_CWORD=2; _director; echo ${COMPREPLY[*]}\n"
        "COMP_WORDS=(director ''); COMP_CWORD=1; _director; echo ${COMPREPLY[*]}\n"
    )
    done = subprocess.run(["bash"], input=script.encode(), capture_output=True, check=True)
    assert done.stdout == b"servers\ncheck show\n"
