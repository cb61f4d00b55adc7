from __future__ import annotations

import subprocess

import pytest

from director.cli.commands import completion
from director.cli.commands.show import THINGS
from director.cli.commands.table import COMMANDS
from tests.unit.cli.memory import Run


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_completion_knows_every_command(run: Run, shell: str) -> None:
    code, out, _ = run("completion", shell)
    assert code == 0
    assert all(name in out for name in (*(one.name for one in COMMANDS), *THINGS))
    if shell != "fish":
        assert subprocess.run(["bash", "-n"], input=out.encode(), check=True).returncode == 0


def test_bash_completes_what_was_begun() -> None:
    words: dict[str, tuple[str, ...]] = {"check": (), "show": ("pools", "servers")}
    script = completion.script("bash", words) + (
        "COMP_WORDS=(director show s); COMP_CWORD=2; _director; echo ${COMPREPLY[*]}\n"
        "COMP_WORDS=(director ''); COMP_CWORD=1; _director; echo ${COMPREPLY[*]}\n"
    )
    done = subprocess.run(["bash"], input=script.encode(), capture_output=True, check=True)
    assert done.stdout == b"servers\ncheck show\n"
