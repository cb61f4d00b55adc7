from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PRINT = "from director.program.upgrade.starting import starting; print(starting().command, starting().folder)"


def test_the_same_python_with_the_same_arguments_in_the_same_folder(tmp_path: Path) -> None:
    command = (sys.executable, "-c", PRINT, "-n", "--pidfile=")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"{command} {tmp_path}\n"


def test_a_script_is_called_by_itself_so_that_it_may_name_another_python(tmp_path: Path) -> None:
    """As pip writes them: `/opt/director` is a link, and the script behind it another one tomorrow."""
    (tmp_path / "one").mkdir()
    script = tmp_path / "one" / "twistd"
    script.write_text(f"#!{sys.executable}\n{PRINT}\n")
    script.chmod(0o755)
    (tmp_path / "current").symlink_to("one")
    done = subprocess.run([tmp_path / "current" / "twistd", "-n"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"('{tmp_path}/current/twistd', '-n') ")
    by_hand = subprocess.run([sys.executable, "-E", script], capture_output=True, text=True, check=True)
    assert by_hand.stdout.startswith(f"('{sys.executable}', '-E', '{script}') ")
