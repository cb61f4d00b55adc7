from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.unit.cli.memory import MemoryClient, Run


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


def test_what_cannot_be_read_is_told(run: Run, tmp_path: Path) -> None:
    code, _, err = run("config", "import", "ipvsadm", str(tmp_path / "none"))
    assert (code, "cannot be read" in err) == (2, True)
    file = tmp_path / "tcpvs.conf"
    file.write_text("virtual a {\n nonsense\n}\n")
    said = f"director: Syntax error in the config file {file} (line 2): parse_service error\n"
    assert run("config", "import", "tcpvs", str(file)) == (1, "", said)


def test_a_file_of_ktcpvs_on_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("virtual a {\n listen = 127.0.0.1:81\n}\n"))
    code, out, _ = run("config", "import", "tcpvs", "-")
    assert (code, out.splitlines()[:5]) == (
        0,
        ["[pool:a]", "scheduler = http", "", "[l7:a]", "listen = 127.0.0.1:81"],
    )


@pytest.mark.parametrize("words", [("ipvsadm",), ("haproxy", "x"), ()])
def test_a_wrong_order_says_what_there_is(words: tuple[str, ...], run: Run) -> None:
    with pytest.raises(SystemExit) as caught:
        run("config", "import", *words)
    assert caught.value.code == 2
