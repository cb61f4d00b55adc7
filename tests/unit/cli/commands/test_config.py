from __future__ import annotations

from pathlib import Path

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
    assert run("config", "import", "ipvsadm")[0] == 2
